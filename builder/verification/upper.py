"""Some of an image's layers as one view, without the layers below them."""

from __future__ import annotations

from collections.abc import Mapping

from m2build.layers.members import OPAQUE, WHITEOUT, subject
from m2build.oci.paths import parents
from m2build.oci.tar import Kind, Member

ALL = "*"
"""What stands for the name of everything in a folder."""


class Upper:
    """What layers hold, and what they hide in the layers below, by the rules of the image specification's layer.md.

    Attributes:
        entries: path -> what they hold there, folders included.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Member] = {}
        self._hidden: set[str] = set()
        self._emptied: set[str] = set()

    @property
    def paths(self) -> set[str]:
        """All that they hold or hide; `FOLDER/*` is the former content of a folder."""
        emptied = {f"{folder}/{ALL}".lstrip("/") for folder in self._emptied}
        return self.entries.keys() | self._hidden | emptied

    def is_hidden(self, path: str) -> bool:
        """Whether what lower layers have at a path is hidden."""
        above = parents(path)
        return "" in self._emptied or not (self._hidden.isdisjoint((path, *above)) and self._emptied.isdisjoint(above))

    def add(self, layer: Mapping[str, Member]) -> None:
        """Add the next higher layer."""
        members = {path: member for path, member in layer.items() if member.kind is not Kind.IMPLIED}
        whiteouts = [path for path in members if path.rpartition("/")[2].startswith(WHITEOUT)]
        for path in whiteouts:
            is_opaque = path.rpartition("/")[2] == OPAQUE
            self._drop(subject(path), itself=not is_opaque)
            (self._emptied if is_opaque else self._hidden).add(subject(path))
            del members[path]
        for path, member in members.items():
            if member.kind is not Kind.FOLDER:
                self._drop(path, itself=False)
                self._hidden.add(path)
        self.entries |= members

    def _drop(self, path: str, *, itself: bool) -> None:
        below = f"{path}/".lstrip("/")
        for name in [name for name in self.entries if name.startswith(below) or (itself and name == path)]:
            del self.entries[name]
