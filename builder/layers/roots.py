"""Folders of sources in an image: where they are named, or found by a file in them, their marker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from m2build.errors import PatchError
from m2build.layers.links import followed, read_followed
from m2build.layers.members import Wanted, is_home, marked_folders, wanted_for
from m2build.layers.root import Root
from m2build.oci.paths import nested
from m2build.oci.tar import Kind, Member

if TYPE_CHECKING:
    from m2build.layers.filesystem import Filesystem

HOMES = "/sgl-workspace/*, /sgl-workspace/*/*, site-packages and dist-packages"
"""Where markers are looked for, for people."""
_MOST_NAMED = 3
"""Folders that a message names."""


def read_roots(
    roots: Mapping[str, Root], working_dirs: Iterable[str], read: Callable[[Wanted], Filesystem]
) -> tuple[Filesystem, dict[str, str]]:
    """A base's entries where patches and their account go, and the real paths of its folders of sources.

    Markers are looked for first, before it is known which folders to read.

    Args:
        roots: the folders, by name.
        working_dirs: as for `read_followed`.
        read: returns the base's entries at some paths.

    Raises:
        PatchError: a marker is in no folder where sources may be, or in several; a folder is another one or in it; or
            links form a loop; and what `read` raises.
    """
    markers = frozenset(root.marker for root in roots.values() if root.path is None and root.marker)
    marked = read(wanted_for((), working_dirs) | Wanted(frozenset(), markers=markers)) if markers else None
    named = {name: root.path or _found(root, marked or {}, read) for name, root in roots.items()}
    filesystem = read_followed(named.values(), working_dirs, read)
    real = {name: followed(filesystem, path) for name, path in named.items()}
    for name, root in roots.items():
        if root.path is None and f"{real[name]}/{root.marker}" not in filesystem:
            raise _nowhere(root, [])
    for one, other in combinations(real, 2):
        if nested(real[one], real[other]):
            raise PatchError(
                f"the roots of {one} and {other} hold one another: /{real[one]} and /{real[other]}",
                hint="patch what is in one folder by one series",
            )
    return filesystem, real


def _found(root: Root, marked: Mapping[str, Member], read: Callable[[Wanted], Filesystem]) -> str:
    """The only folder with the root's marker where sources may be, unless upper layers hide its marker."""
    marker = root.marker or ""
    folders = {*marked_folders(marker, marked)}
    homes = {folder for folder in folders if is_home(folder)} | {*_linked(folders, marked)}
    if len(homes) > 1:
        homes = _standing(homes, marker, read)
    if not homes:
        raise _nowhere(root, sorted(folders))
    if len(homes) > 1:
        raise PatchError(f"{marker} is in several folders of the base: {_listed(sorted(homes))}", hint=_hint(root))
    return homes.pop()


def _nowhere(root: Root, elsewhere: Sequence[str]) -> PatchError:
    seen = f"; it is in {_listed(elsewhere)}" if elsewhere else ""
    return PatchError(f"{root.marker} is in none of the base's folders {HOMES}{seen}", hint=_hint(root))


def _hint(root: Root) -> str:
    return f"name the folder: --set {root.key}=/PATH --set {root.key.removesuffix('root')}marker=null"


def _linked(folders: Iterable[str], marked: Mapping[str, Member]) -> Iterator[str]:
    """The folders that have another name, through a link, and sources may be under that name."""
    for link, member in marked.items():
        if member.kind is Kind.SYMLINK:
            target = followed(marked, link)
            for folder in folders:
                if f"{folder}/".startswith(f"{target}/") and is_home(f"{link}{folder.removeprefix(target)}"):
                    yield folder


def _standing(folders: Iterable[str], marker: str, read: Callable[[Wanted], Filesystem]) -> set[str]:
    """The folders whose marker no upper layer hides, as one that replaces a folder far above it does."""
    paths = {f"{folder}/{marker}": folder for folder in folders}
    found = read(Wanted(frozenset(), frozenset(paths)))
    return {folder for path, folder in paths.items() if path in found and found[path].kind is Kind.FILE}


def _listed(folders: Sequence[str]) -> str:
    shown = [f"/{folder}" for folder in folders[:_MOST_NAMED]]
    more = [f"{len(folders) - len(shown)} more"] if len(folders) > len(shown) else []
    *others, last = [*shown, *more]
    return f"{', '.join(others)} and {last}" if others else last
