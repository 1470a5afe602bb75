"""From selections and a base to plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from m2build.base.image_sources import source_tree
from m2build.base.model import Base
from m2build.derivation.applied import applied_series
from m2build.derivation.launches import Launches
from m2build.derivation.plan import Plan, Sourced
from m2build.derivation.planning import make_plan
from m2build.derivation.times import creation_time
from m2build.launch.check import read_server
from m2build.layers.cache import member_cache
from m2build.layers.filesystem import Filesystem, read_filesystem
from m2build.layers.held import held
from m2build.layers.root import Root
from m2build.layers.roots import read_roots
from m2build.oci.image import MemoryBlobs
from m2build.patches.change import changed_tree
from m2build.patches.changeset import apply_series
from m2build.patches.registry import load_codemods
from m2build.patches.series import Series
from m2build.patches.tree import SourceTree
from m2build.progress import Progress
from m2build.recipes.model import Selection
from m2build.recipes.selections import common_recipe, workdirs


def derive_all(
    selections: Sequence[Selection],
    base: Base,
    *,
    environment: Mapping[str, str],
    progress: Progress,
    series: Mapping[str, Series] | None = None,
) -> tuple[tuple[Plan, ...], Launches]:
    """Read the base's sources, apply their series, and decide the images, all of one recipe. Writes nothing.

    Gives the plans, and what is known of their launch configurations.

    Args:
        selections: the recipe, with a profile and a model for each image.
        base: what to derive from.
        environment: where to look for `SOURCE_DATE_EPOCH`; the default is the base's creation time.
        progress: receives what is read.
        series: the series of each folder of sources, by the folder's name; None for the recipe's own.

    Raises:
        PatchError: the base has no sources at a root or by a marker, or a patch does not apply.
        LaunchError: the server, as patched, does not accept a profile's launch flags.
        ContentError: a layer of the base is truncated, altered or malformed.
        UsageError: the selections are not of one recipe, its series does not exist, or `SOURCE_DATE_EPOCH` is not a
            number.
    """
    recipe = common_recipe(selections)
    filesystem, roots = _read(base, recipe.roots, workdirs(selections), progress)
    codemods, applied = load_codemods(), series or applied_series(recipe)
    sources, patched = [], []
    for name, tree in _trees(filesystem, recipe.roots, roots, base).items():
        changeset = apply_series(applied[name], tree, codemods).checked()
        sources.append(Sourced(name if len(roots) > 1 else "", roots[name], changeset))
        patched.append(changed_tree(tree, changeset.changes))
    created = creation_time(base, environment)
    plans = tuple(make_plan(selection, base, filesystem, tuple(sources), created=created) for selection in selections)
    return plans, Launches.of(selections, read_server(patched), base.config.environment)


def base_sources(base: Base, roots: Mapping[str, Root], progress: Progress) -> dict[str, SourceTree]:
    """The sources of a base, as patches find them, by the names of their folders.

    Raises:
        PatchError: the base has none at a root, or by a marker.
        ContentError: a layer of the base is truncated, altered or malformed.
    """
    filesystem, real = _read(base, roots, (), progress)
    return _trees(filesystem, roots, real, base)


def planned_sources(plan: Plan, progress: Progress) -> dict[str, SourceTree]:
    """What `base_sources` gives for the folders of a plan."""
    return base_sources(plan.base, {one.name: Root(one.root, "base.source_root") for one in plan.sources}, progress)


def _trees(
    filesystem: Filesystem, roots: Mapping[str, Root], real: Mapping[str, str], base: Base
) -> dict[str, SourceTree]:
    return {
        name: source_tree(filesystem, root.path or real[name], origin=base.origin, key=root.key)
        for name, root in roots.items()
    }


def _read(
    base: Base, roots: Mapping[str, Root], workdirs: Sequence[str], progress: Progress
) -> tuple[Filesystem, Mapping[str, str]]:
    """The base's files where patches and their account go, and in the folders that images start in; and its roots."""
    folders = (base.config.working_dir, *workdirs)
    if base.filesystem is not None or base.image is None:
        known = base.filesystem or Filesystem({})
        return read_roots(roots, folders, lambda _: known)
    cache = None if isinstance(base.image.blobs, MemoryBlobs) else member_cache()
    with held(base.image, progress) as image:
        return read_roots(roots, folders, partial(read_filesystem, image, progress=progress, cache=cache))
