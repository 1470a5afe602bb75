"""The way of the data, from a selection and a base to the plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from m2build.base.filesystem import read_filesystem
from m2build.base.member_cache import member_cache
from m2build.base.members import Wanted
from m2build.base.model import Base
from m2build.base.sources import source_tree
from m2build.errors import UsageError
from m2build.oci.image import MemoryBlobs
from m2build.oci.paths import parents
from m2build.patches.changeset import apply_series
from m2build.patches.registry import load_codemods
from m2build.patches.series import load_series
from m2build.plan import AUDIT_FOLDER, Plan, make_plan
from m2build.progress import Progress
from m2build.recipes.model import Selection


def derive(selection: Selection, base: Base, *, environment: Mapping[str, str], progress: Progress) -> Plan:
    """Read the base's sources, apply the recipe's series, and decide the image. Writes nothing.

    Args:
        selection: the recipe, its profile and its model.
        base: what to derive from.
        environment: where `SOURCE_DATE_EPOCH` is looked for; without it the base's creation time is used.
        progress: is told what is read.

    Raises:
        PatchError: the base has no sources at the source root, or a patch does not apply.
        ContentError: a layer of the base is truncated, altered or malformed.
        UsageError: the recipe names no series that exists, or `SOURCE_DATE_EPOCH` is not a number.
    """
    root = selection.recipe.base.source_root.strip("/")
    wanted = Wanted(frozenset({root}), frozenset(parents(AUDIT_FOLDER)))
    cache = None if isinstance(base.image.blobs, MemoryBlobs) else member_cache()
    filesystem = read_filesystem(base.image, wanted, progress, cache)
    tree = source_tree(filesystem, root, origin=base.name or f"the base {base.digest}")
    changeset = apply_series(load_series(selection.recipe.series), tree, load_codemods()).checked()
    return make_plan(selection, base, filesystem, changeset, created=_created(base, environment))


def _created(base: Base, environment: Mapping[str, str]) -> int:
    """The only time in the image (https://reproducible-builds.org/specs/source-date-epoch/)."""
    epoch = environment.get("SOURCE_DATE_EPOCH")
    if epoch:
        if not epoch.isascii() or not epoch.isdigit() or len(epoch) > 11:
            raise UsageError(f"SOURCE_DATE_EPOCH is {epoch!r}, not a number of seconds", hint="unset it, or mend it")
        return int(epoch)
    created = base.image.config.created
    try:
        return max(0, int(datetime.fromisoformat(created).timestamp())) if created else 0
    except ValueError:
        return 0
