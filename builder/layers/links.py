"""Symbolic links in a base, followed as in a container: `..` stops at the root."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from m2build.errors import PatchError
from m2build.layers.members import Wanted, wanted_for
from m2build.oci.paths import MOST_LINKS, LinkLoopError, through_links
from m2build.oci.tar import Kind, Member

if TYPE_CHECKING:
    from m2build.layers.filesystem import Filesystem
    from m2build.oci.digest import Digest


def read_followed(
    source_roots: Iterable[str], working_dirs: Iterable[str], read: Callable[[Wanted], Filesystem]
) -> Filesystem:
    """A base's entries where patches and their account go, with the links and folders that lead there.

    Args:
        source_roots: where sources are looked for, relative to the root.
        working_dirs: the config's `WorkingDir`, and those that images get instead, relative to the root.
        read: returns the base's entries at some paths.

    Raises:
        PatchError: links form a loop; and what `read` raises.
    """
    from m2build.layers.filesystem import Filesystem  # to follow links in what was read takes less

    entries: dict[str, Member] = {}
    layers: dict[str, Digest] = {}
    by_table: set[Digest] = set()
    looked: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()
    roots, folders = named = tuple(source_roots), tuple(working_dirs)
    while (roots, folders) not in looked:
        looked.add((roots, folders))
        found = read(wanted_for(roots, folders))
        entries |= found
        layers |= found.layers
        by_table |= found.by_table
        roots, folders = (tuple(followed(entries, path) for path in paths) for paths in named)
    return Filesystem(entries, layers, by_table)


def followed(entries: Mapping[str, Member], path: str) -> str:
    """The path with the links among the entries followed.

    Raises:
        PatchError: it passes through more links than Linux follows, as in a loop.
    """

    def target_of(here: str) -> str | None:
        member = entries.get(here)
        return member.target if member and member.kind is Kind.SYMLINK else None

    try:
        return through_links(path, target_of)
    except LinkLoopError as error:
        raise PatchError(
            f"/{path} passes through more than {MOST_LINKS} links in the base; /{error} points to "
            f"{entries[str(error)].target}",
            hint="name the real folder of the sources: --set base.source_root=/PATH",
        ) from error
