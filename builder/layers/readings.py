"""What was read of layers beyond what was asked for, kept for the next question about the same image.

The folder of sources is known once its marker has been found. From then on layers are read with that folder, so that
they need not be decompressed a second time for it. Nor need those that were read before, if they have nothing in it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.layers.members import WHITEOUT, Wanted
from m2build.layers.touched import Touched
from m2build.oci.digest import Digest
from m2build.oci.paths import parents
from m2build.oci.tar import Kind, Member

if TYPE_CHECKING:
    from m2build.layers.contents import Contents

_MOST = 64 << 20
"""Bytes of content that are kept of one image; the sources of SGLang have 17 MB."""

Key = tuple[Digest, Digest | None]
"""A layer, and the diff_id that it was checked against."""


def restricted(members: Mapping[str, Member], wanted: Wanted) -> dict[str, Member]:
    """Those of a layer's members that are wanted."""
    return {path: member for path, member in members.items() if wanted.takes(path)}


@dataclass(frozen=True)
class _Reading:
    """What was read of a layer.

    Attributes:
        wanted: for which paths.
        members: what was found there.
        touched: below which folders it has something, if that was noted.
    """

    wanted: Wanted
    members: Mapping[str, Member]
    touched: Touched | None = None

    def answer(self, wanted: Wanted) -> dict[str, Member] | None:
        """What reading it for other paths would give, or None if that is not certain."""
        members = restricted(self.members, wanted)
        if self.touched is None:
            return members if self.wanted.covers(wanted) else None
        trees = {tree for tree in wanted.trees if not self._is_empty(tree, self.touched)}
        rest = Wanted(frozenset(trees), wanted.entries, wanted.markers)
        others = (member for path, member in self.members.items() if path not in members)
        return members if self.wanted.covers(rest) and all(map(_is_alone, others)) else None

    def _is_empty(self, tree: str, touched: Touched) -> bool:
        """Whether the layer has nothing below a folder, and was read for that folder and all above it."""
        return touched.lacks(tree) and all(map(self.wanted.shows, (tree, *parents(tree))))


class Readings:
    """Members of layers by the paths that they were read for; for several threads."""

    def __init__(self) -> None:
        self._kept: dict[Key, _Reading] = {}
        self._left = _MOST
        self._lock = threading.Lock()

    def get(self, layer: Key, wanted: Wanted) -> dict[str, Member] | None:
        """What `read_members` would give, or None if the layer was not read for all of these paths."""
        reading = self._kept.get(layer)
        return reading.answer(wanted) if reading else None

    def put(self, layer: Key, members: Mapping[str, Member], wanted: Wanted) -> None:
        """Keep a part of what was read, if there is room for it, and if it alone would have been read in the same way.

        It would not if other files were read along with it: hard links may lead to them, and they count as held.

        Args:
            layer: the layer.
            members: what was read of it.
            wanted: the part.
        """
        kept = restricted(members, wanted)
        if all(_is_alone(member) for path, member in members.items() if path not in kept):
            self._keep(layer, _Reading(wanted, kept))

    def put_searched(self, layer: Key, found: Contents, wanted: Wanted) -> None:
        """Keep what was read while markers were looked for, if there is room for it."""
        self._keep(layer, _Reading(wanted, found.members, found.touched))

    def _keep(self, layer: Key, reading: _Reading) -> None:
        size = sum(len(member.content) for member in reading.members.values())
        with self._lock:
            if size <= self._left:
                self._left -= size
                self._kept[layer] = reading


def _is_alone(member: Member) -> bool:
    """Whether nothing else depends on a member."""
    is_whiteout = member.path.rpartition("/")[2].startswith(WHITEOUT)
    return is_whiteout or member.kind in (Kind.FOLDER, Kind.IMPLIED)
