"""From selections and a base to plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from m2build.base.image_sources import source_tree
from m2build.base.model import Base
from m2build.derivation.plan import Plan, make_plan
from m2build.derivation.times import creation_time
from m2build.layers.cache import member_cache
from m2build.layers.filesystem import Filesystem, read_filesystem
from m2build.layers.held import held
from m2build.layers.links import read_followed
from m2build.oci.image import MemoryBlobs
from m2build.patches.changeset import apply_series
from m2build.patches.loading import load_series
from m2build.patches.registry import load_codemods
from m2build.patches.series import Series
from m2build.patches.tree import SourceTree
from m2build.progress import Progress
from m2build.recipes.model import Selection, common_recipe, workdirs


def derive_all(
    selections: Sequence[Selection],
    base: Base,
    *,
    environment: Mapping[str, str],
    progress: Progress,
    series: Series | None = None,
) -> tuple[Plan, ...]:
    """Read the base's sources, apply a series, and decide the images, all of one recipe. Writes nothing.

    Args:
        selections: the recipe, with a profile and a model for each image.
        base: what to derive from.
        environment: where to look for `SOURCE_DATE_EPOCH`; the default is the base's creation time.
        progress: receives what is read.
        series: the series to apply; None for the recipe's own.

    Raises:
        PatchError: the base has no sources at the source root, or a patch does not apply.
        ContentError: a layer of the base is truncated, altered or malformed.
        UsageError: the selections are not of one recipe, its series does not exist, or `SOURCE_DATE_EPOCH` is not a
            number.
    """
    recipe = common_recipe(selections)
    root = recipe.base.source_root.strip("/")
    filesystem = _filesystem(base, root, workdirs(selections), progress)
    tree = _tree(base, filesystem, root)
    changeset = apply_series(series or load_series(recipe.series), tree, load_codemods()).checked()
    created = creation_time(base, environment)
    return tuple(make_plan(selection, base, filesystem, changeset, created=created) for selection in selections)


def base_sources(base: Base, source_root: str, progress: Progress) -> SourceTree:
    """The sources of a base, as patches find them.

    Raises:
        PatchError: the base has none at the source root.
        ContentError: a layer of the base is truncated, altered or malformed.
    """
    root = source_root.strip("/")
    return _tree(base, _filesystem(base, root, (), progress), root)


def _tree(base: Base, filesystem: Filesystem, root: str) -> SourceTree:
    return source_tree(filesystem, root, origin=base.name or f"the base {base.digest}")


def _filesystem(base: Base, root: str, workdirs: Sequence[str], progress: Progress) -> Filesystem:
    """The base's files where patches and their account go, and the folders that images start in."""
    if base.filesystem is not None or base.image is None:
        return base.filesystem or Filesystem({})
    cache = None if isinstance(base.image.blobs, MemoryBlobs) else member_cache()
    with held(base.image) as image:
        read = partial(read_filesystem, image, progress=progress, cache=cache)
        return read_followed(root, (base.config.working_dir, *workdirs), read)
