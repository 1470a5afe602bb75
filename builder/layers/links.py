"""Paths of a base that lead through symbolic links, followed as inside of a container: `..` stops at the root."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from m2build.errors import PatchError
from m2build.layers.filesystem import Filesystem
from m2build.layers.members import Wanted, wanted_for
from m2build.oci.tar import Kind, Member

_MOST_LINKS = 40
"""Links on the way to one path; Linux follows no more (path_resolution(7))."""


def read_followed(source_root: str, working_dir: str, read: Callable[[Wanted], Filesystem]) -> Filesystem:
    """What a base holds where patches and their account go, and the links and folders on the way there.

    Args:
        source_root: where the sources are looked for.
        working_dir: the config's `WorkingDir`.
        read: tells what the base holds at some paths.

    Raises:
        PatchError: a link leads back to itself; and what `read` raises.
    """
    entries: dict[str, Member] = {}
    looked: set[tuple[str, str]] = set()
    named = source_root.strip("/")
    root, folder = named, working_dir
    while (root, folder) not in looked:
        looked.add((root, folder))
        entries |= read(wanted_for(root, folder))
        root, folder = followed(entries, named), followed(entries, working_dir)
    return Filesystem(entries)


def followed(entries: Mapping[str, Member], path: str) -> str:
    """Where a path really is, as far as the entries tell.

    Raises:
        PatchError: it leads through more links than Linux follows, as where one leads back to itself.
    """
    left, real, links = path.split("/")[::-1], "", 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        here = real.rpartition("/")[0] if part == ".." else f"{real}/{part}".lstrip("/")
        member = entries.get(here)
        if member is None or member.kind is not Kind.SYMLINK:
            real = here
            continue
        links += 1
        if links > _MOST_LINKS:
            raise PatchError(
                f"/{path} leads through more than {_MOST_LINKS} links in the base; /{here} leads to {member.target}",
                hint="name the folder that the sources stand in: --set base.source_root=/PATH",
            )
        left += member.target.split("/")[::-1]
        real = "" if member.target.startswith("/") else real
    return real
