"""Deciding an image: from a selection, its base and the changed sources to the plan. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from m2build.derivation.plan import Plan, Preimage, Sourced
from m2build.errors import PatchError
from m2build.labels import OWN
from m2build.layers.links import followed
from m2build.layers.members import AUDIT_FOLDER, WHITEOUT
from m2build.oci.paths import parents
from m2build.oci.tar import Kind, Member

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.layers.filesystem import Filesystem
    from m2build.oci.config import ImageConfig
    from m2build.recipes.model import Selection


def refuse_derived(config: ImageConfig) -> None:
    """Refuse a base that m2build derived: one overlay would lie on another.

    Raises:
        PatchError: it is one.
    """
    if f"{OWN}plan.digest" in config.labels:
        raise PatchError(
            "the base was itself derived by m2build, according to its labels",
            hint="derive from its own base, which its label org.opencontainers.image.base.name names",
        )


def make_plan(
    selection: Selection, base: Base, filesystem: Filesystem, sources: tuple[Sourced, ...], *, created: int
) -> Plan:
    """Decide the image. Pure.

    Args:
        selection: the recipe, its profile and its model.
        base: what it derives from.
        filesystem: what the base has below the roots of its sources and the audit folder.
        sources: each folder of its sources, with its series applied.
        created: seconds since the epoch.

    Raises:
        PatchError: m2build derived the base itself, or the base already has an audit folder, or something other than a
            folder is where one is needed.
    """
    refuse_derived(base.config)
    if AUDIT_FOLDER in filesystem:
        raise PatchError(
            f"the base has a /{AUDIT_FOLDER} already, where m2build writes its record of the changes",
            hint="derive from an image without one",
        )
    old, new = _paths(sources)
    _check_new(new - old, filesystem)
    hidden, unmade = _hidden(filesystem, old, new), _unmade(filesystem, selection, base)
    footing = footing_of(filesystem, sources, hidden, unmade)
    origins = {path: filesystem.layers[path] for path in sorted(old) if path in filesystem.layers}
    preimage = Preimage.RELEASE if base.is_assumed else Preimage.TABLE if filesystem.by_table else Preimage.LAYERS
    return Plan(selection, base, sources, footing, hidden, created, unmade, origins, preimage)


def footing_of(
    entries: Mapping[str, Member], sources: Sequence[Sourced], hidden: Sequence[str], unmade: Sequence[str]
) -> dict[str, Member]:
    """The base's own entries that an overlay builds on: those that it replaces, and the folders above what it adds.

    Raises:
        PatchError: something other than a folder is where one is needed.
    """
    old, new = _paths(sources)
    accounts = (f"{source.account}/README" for source in sources)
    above = {parent for path in (*old, *new, *hidden, *unmade, *accounts) for parent in parents(path)}
    footing = {path: entries[path] for path in sorted(old | above) if path in entries}
    for path in sorted(above & footing.keys()):
        if footing[path].kind is not Kind.FOLDER:
            raise PatchError(
                f"/{path} is a {footing[path].kind} in the base; the overlay needs a folder there",
                hint=f"derive from a base in which /{path} is a folder",
            )
    return footing


def _paths(sources: Sequence[Sourced]) -> tuple[set[str], set[str]]:
    """The files that change or go, by their present paths, and the files that will be there, by their new ones."""
    changes = [change for source in sources for change in source.changes]
    old = {change.old_path for change in changes if change.before}
    return old, {change.path for change in changes if change.after}


def _check_new(paths: set[str], filesystem: Filesystem) -> None:
    """Check that new files can be in a layer, and replace nothing: not everything in the base is in its source tree."""
    for path in sorted(paths):
        if path in filesystem:
            raise PatchError(f"/{path} would be a new file, and the base has a {filesystem[path].kind} there")
        if any(name.startswith(WHITEOUT) for name in path.split("/")):
            raise PatchError(
                f"/{path} cannot be in a layer: names that begin with {WHITEOUT} hide others",
                hint="give the file another name",
            )


def _unmade(filesystem: Filesystem, selection: Selection, base: Base) -> tuple[str, ...]:
    from m2build.recipes.selections import workdirs  # this room plans without recipes until then

    folders = [followed(filesystem, path) for path in (base.config.working_dir, *workdirs([selection]))]
    for folder in folders[1:]:
        if folder in filesystem and filesystem[folder].kind is not Kind.FOLDER:
            raise PatchError(
                f"the working directory /{folder} is a {filesystem[folder].kind} in the base",
                hint="name a folder as the workdir",
            )
    needed = dict.fromkeys(path for folder in folders for path in (folder, *parents(folder)))
    return tuple(path for path in needed if path and path not in filesystem)


def _hidden(filesystem: Filesystem, old: set[str], new: set[str]) -> tuple[str, ...]:
    gone = (old - new) | {path for path in filesystem if _source_of(path) in old | new}
    left = {
        parent
        for path, member in filesystem.items()
        if member.kind is not Kind.FOLDER and path not in gone
        for parent in parents(path)
    }
    left |= {parent for path in new for parent in parents(path)}
    emptied = {parent for path in gone for parent in parents(path) if parent not in left}
    return tuple(sorted(path for path in gone | emptied if not emptied & set(parents(path))))


def _source_of(path: str) -> str | None:
    """The source whose compiled form is at `path` (PEP 3147), or None.

    >>> _source_of("a/__pycache__/m.cpython-310.opt-1.pyc")
    'a/m.py'
    """
    folder, _, name = path.rpartition("/")
    parent, _, last = folder.rpartition("/")
    if last != "__pycache__" or not name.endswith(".pyc"):
        return None
    return f"{parent}/{name.partition('.')[0]}.py"
