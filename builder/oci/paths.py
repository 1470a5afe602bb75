"""Paths of layers: relative to the image's root, without a leading slash."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

LONGEST_PATH = 4096
"""Characters; Linux's PATH_MAX in bytes."""
_DEEPEST_PATH = 256
"""Nested folders; package managers nest some forty at most."""
MOST_LINKS = 40
"""Links that lead to one path; Linux follows as many (path_resolution(7))."""
LIMITS = f"more than {LONGEST_PATH} characters, more than {_DEEPEST_PATH} folders, or a NUL byte"
"""What an impossible path has, for messages."""


def is_possible(path: str) -> bool:
    """Whether Linux can unpack a path."""
    return len(path) <= LONGEST_PATH and path.count("/") < _DEEPEST_PATH and "\0" not in path


def parents(path: str) -> tuple[str, ...]:
    """The folders above a path, the nearest first, without the root.

    >>> parents("a/b/c")
    ('a/b', 'a')
    """
    return _with_parents(path.rpartition("/")[0])


@lru_cache(maxsize=16)  # paths of one folder are asked about one after the other
def _with_parents(folder: str) -> tuple[str, ...]:
    found = []
    while folder:
        found.append(folder)
        folder = folder.rpartition("/")[0]
    return tuple(found)


def nested(path: str, other: str) -> bool:
    """Whether two paths are one, or one of them holds the other.

    >>> nested("a/b", "a"), nested("a", "a"), nested("ab", "a")
    (True, True, False)
    """
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")


def cleaned(name: str) -> str | None:
    """A member's name as a path; None if it leaves the root.

    All unpackers do the same: empty parts, `.` and slashes at either end are dropped, and `..` removes the part before
    it (Go's `path.Clean`).

    >>> [cleaned(name) for name in ("/a", "./a//b/", "a/../b", "/", "../a")]
    ['a', 'a/b', 'b', '', None]
    """
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


class LinkLoopError(Exception):
    """A path passes through more links than Linux follows, as in a loop; the argument is the last of them."""


def through_links(path: str, target_of: Callable[[str], str | None]) -> str:
    """A path with the links on it followed as in a container: `..` stops at the root.

    >>> through_links("lib/a", {"lib": "usr/lib", "usr/lib": "../.."}.get)
    'a'

    Args:
        path: relative to the root.
        target_of: what a path without links points to; None if it is not a link.

    Raises:
        LinkLoopError: there are too many links.
    """
    left, real, links = path.split("/")[::-1], "", 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        here = real.rpartition("/")[0] if part == ".." else f"{real}/{part}".lstrip("/")
        target = target_of(here)
        if target is None:
            real = here
            continue
        links += 1
        if links > MOST_LINKS:
            raise LinkLoopError(here)
        left += target.split("/")[::-1]
        real = "" if target.startswith("/") else real
    return real
