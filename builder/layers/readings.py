"""What was read of layers beyond what was asked for, kept for the next question about the same image.

The folder of sources is known once its marker has been found. From then on layers are read with that folder, so that
they need not be decompressed a second time for it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from m2build.layers.members import WHITEOUT, Wanted
from m2build.oci.digest import Digest
from m2build.oci.tar import Kind, Member

_MOST = 64 << 20
"""Bytes of content that are kept of one image; the sources of SGLang have 17 MB."""

Key = tuple[Digest, Digest | None]
"""A layer, and the diff_id that it was checked against."""


def restricted(members: Mapping[str, Member], wanted: Wanted) -> dict[str, Member]:
    """Those of a layer's members that are wanted."""
    return {path: member for path, member in members.items() if wanted.takes(path)}


class Readings:
    """Members of layers by the paths that they were read for; for several threads."""

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[Wanted, Mapping[str, Member]]] = {}
        self._left = _MOST
        self._lock = threading.Lock()

    def get(self, layer: Key, wanted: Wanted) -> dict[str, Member] | None:
        """What `read_members` would give, or None if the layer was not read for all of these paths."""
        read, members = self._kept.get(layer, (None, {}))
        return restricted(members, wanted) if read is not None and read.covers(wanted) else None

    def put(self, layer: Key, members: Mapping[str, Member], wanted: Wanted) -> None:
        """Keep a part of what was read, if there is room for it, and if it alone would have been read in the same way.

        It would not if other files were read along with it: hard links may lead to them, and they count as held.

        Args:
            layer: the layer.
            members: what was read of it.
            wanted: the part.
        """
        kept = restricted(members, wanted)
        others = (member for path, member in members.items() if path not in kept)
        size = sum(len(member.content) for member in kept.values())
        with self._lock:
            if size <= self._left and all(map(_is_alone, others)):
                self._left -= size
                self._kept[layer] = wanted, kept


def _is_alone(member: Member) -> bool:
    """Whether nothing else depends on a member."""
    is_whiteout = member.path.rpartition("/")[2].startswith(WHITEOUT)
    return is_whiteout or member.kind in (Kind.FOLDER, Kind.IMPLIED)
