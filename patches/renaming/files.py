"""Where the modules of a tree are read: a `SourceTree`, or a folder of the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from m2build.errors import ContentError, StorageError
from m2build.patches.tree import SourceTree


class Files(Protocol):
    """Where the modules are: a tree, or a folder."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a file; None if there is none that can be read."""

    def has_folder(self, path: str) -> bool:
        """Whether there is such a folder with files in it."""


@dataclass(frozen=True)
class TreeFiles:
    """The files of a tree; one that cannot be read exports nothing."""

    tree: SourceTree

    def read(self, path: str) -> bytes | None:
        """The bytes of a file."""
        file = self.tree.get(path)
        try:
            return file.content if file else None
        except (ContentError, StorageError):
            return None

    def has_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        return path in self.tree.folders


@dataclass(frozen=True)
class FolderFiles:
    """The files below a folder of the disk."""

    top: Path

    def read(self, path: str) -> bytes | None:
        """The bytes of a file."""
        try:
            return Path(self.top, path).read_bytes()
        except OSError:
            return None

    def has_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        return Path(self.top, path).is_dir()
