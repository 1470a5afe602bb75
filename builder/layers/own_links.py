"""The symbolic links of one layer so far, through which its next members may be written.

Unpackers keep no list: they write a member where its name leads on the disk, inside of the image's root. In one layer
they agree, and layers of merged roots depend on it (`lib -> usr/lib`, then `lib/x.so`). A link of a lower layer is not
followed: overlay file systems put a folder over it, and others write through it.
"""

from __future__ import annotations

from posixpath import normpath

from m2build.errors import ContentError
from m2build.oci.paths import LIMITS, MOST_LINKS, LinkLoopError, is_possible, parents, through_links

_MOST_MEMORY = 64 << 20
_ONE = 200
"""The most bytes that links of one layer may take, and about what one takes beside its characters. That is 200,000
links; an image of 75 GB has a tenth of that."""
_MOST_STEPS = 20_000_000
"""The most parts of names that are looked up in one layer: some seconds. A million members in as many folders take half
of that."""


class OwnLinks:
    """The links that a layer has made, and not yet replaced."""

    def __init__(self) -> None:
        self._targets: dict[str, str] = {}
        self._memory = 0
        self._steps = 0
        self._last = "", ""

    def real(self, path: str) -> str:
        """Where unpackers write a path: with the links above it followed. The path itself may be a link.

        Raises:
            ContentError: it passes through a loop; or the links lead to an impossible path, or to different ones in
                different engines.
        """
        folder, _, name = path.rpartition("/")
        if not self._targets or not folder:
            return path
        if folder != self._last[0]:
            self._last = folder, self._followed(folder)
        real = self._last[1]
        if real == folder:
            return path
        found = f"{real}/{name}".lstrip("/")
        if not is_possible(found):
            raise ContentError(f"the member {path[:200]!r} is written through links to an impossible name: {LIMITS}")
        return found

    def __contains__(self, path: str) -> bool:
        return path in self._targets

    def target(self, path: str) -> str | None:
        """What a path points to; None if this layer made no link there."""
        return self._targets.get(path)

    def note(self, path: str, target: str | None) -> None:
        """Note that a path is a link to a target from now on, or with None that it is something else.

        Raises:
            ContentError: the links take too much memory.
        """
        before = self._targets.pop(path, None)
        if target is not None:
            self._targets[path] = target
            self._memory += len(path) + len(target) + _ONE
        if before is not None:
            self._memory -= len(path) + len(before) + _ONE
        last, real = self._last
        if last != real or f"{last}/".startswith(f"{path}/"):
            self._last = "", ""
        if self._memory > _MOST_MEMORY:
            raise ContentError(f"with the member {path[:200]!r} its links take more than {_MOST_MEMORY} bytes")

    def _followed(self, folder: str) -> str:
        if self._targets.keys().isdisjoint((folder, *parents(folder))):
            return folder
        try:
            real = through_links(folder, self._looked_up)
            shortened = through_links(folder, self._shortened)
        except LinkLoopError as error:
            raise ContentError(
                f"a member of /{folder[:200]} is written through more than {MOST_LINKS} links, such as /{error}"
            ) from error
        if real != shortened:
            raise ContentError(
                f"a member of /{folder[:200]} is written through links with `..`, which engines read in two ways: "
                f"to /{real[:200]} or /{shortened[:200]}"
            )
        return real

    def _shortened(self, path: str) -> str | None:
        """What a path points to, with `x/..` left out before `x` is looked at, as containerd does it."""
        target = self._looked_up(path)
        return normpath(target) if target and ".." in target else target

    def _looked_up(self, path: str) -> str | None:
        target = self._targets.get(path)
        self._steps += 1 + (target.count("/") if target else 0)
        if self._steps > _MOST_STEPS:
            raise ContentError(f"its members pass through links too often, counted up to /{path[:200]}")
        return target
