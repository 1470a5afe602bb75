"""`SourceTree`: Python sources as a value, path -> bytes and mode, wherever they come from."""

from __future__ import annotations

import codecs
import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import MappingProxyType

from m2build.documents.arguments import typed_arguments
from m2build.errors import StorageError
from m2build.local.reading import LARGEST_SOURCE
from m2build.local.sorted_paths import SortedPaths

MOST_SEARCHED = 256 << 20
"""Bytes; a larger file holds data, and is listed as not searched."""


@dataclass(frozen=True)
class FileState:
    """What distinguishes one state of a file from another.

    Attributes:
        sha256: of its content, 64 hexadecimal digits.
        size: in bytes.
        mode: permission bits.
    """

    sha256: str
    size: int
    mode: int


@dataclass(frozen=True)
class SourceFile:
    """One regular file.

    Attributes:
        mode: permission bits, such as 0o644.
        size: length in bytes, known without reading.
        load: returns the bytes; called once at most, and only when something looks at them.
        pieces: returns the bytes piece by piece, also of a file that is too large to be loaded; None if it never is.

    Example:
        >>> SourceFile.of(b"#!/bin/sh\\n", 0o755).size
        10
    """

    mode: int
    size: int
    load: Callable[[], bytes] = field(repr=False, compare=False)
    pieces: Callable[[], Iterator[bytes]] | None = field(default=None, repr=False, compare=False)

    @classmethod
    @typed_arguments
    def of(cls, content: bytes, mode: int = 0o644) -> SourceFile:
        """A file from its bytes.

        Args:
            content: the bytes.
            mode: permission bits.
        """
        return cls(mode, len(content), partial(bytes, content))

    def __eq__(self, other: object) -> bool:
        """Whether the other is a file with the same bytes and the same mode; they are read if the sizes are equal."""
        if not isinstance(other, SourceFile):
            return NotImplemented
        if (self.mode, self.size) != (other.mode, other.size):
            return False
        return self is other or self.load is other.load or self.content == other.content

    def __hash__(self) -> int:
        return hash((self.mode, self.size))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy the bytes: where they came from may be closed by then."""
        return SourceFile.of, (self.content, self.mode)

    @cached_property
    def content(self) -> bytes:
        """The file's bytes."""
        return self.load()

    def may_spell(self, word: bytes) -> bool:
        """Whether looking for a word in the file needs its content.

        It does not if the file is too large to be loaded, and a first look finds UTF-8 text without the word, also as
        Python reads identifiers: in the normal form NFKC.

        Raises:
            StorageError: it is larger than `MOST_SEARCHED` bytes, or it cannot be read.
        """
        if self.size <= LARGEST_SOURCE or self.pieces is None:
            return True
        if self.size > MOST_SEARCHED:
            raise StorageError(f"a file of {self.size:,} bytes")
        wanted, end, decoder = word.decode(), "", codecs.getincrementaldecoder("utf-8")()
        try:
            for piece in self.pieces():
                seen = end + decoder.decode(piece)
                if wanted in (seen if seen.isascii() else unicodedata.normalize("NFKC", seen)):
                    return True
                end = seen[-4 * len(wanted) :]
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:  # a declaration of another encoding may be in it
            return True
        return False

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the content, 64 hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def state(self) -> FileState:
        """What distinguishes this file from others at its path; of the mode, only permissions count."""
        return FileState(self.sha256, len(self.content), self.mode & 0o777)


class SourceTree(SortedPaths[SourceFile]):
    """The files below one import root, by their path relative to it (`sglang/srt/models/llama.py`).

    Immutable; iteration is in sorted order. A path that is a symbolic link is not a file of the tree: it is listed in
    `links`, because a patch that would have to touch it must stop.

    Example:
        >>> tree = SourceTree.of({"app.py": "import os\\n", "run": SourceFile.of(b"", 0o755)}, origin="example")
        >>> list(tree), tree["app.py"].content
        (['app.py', 'run'], b'import os\\n')
    """

    def __init__(
        self,
        files: Mapping[str, SourceFile],
        *,
        origin: str,
        release: str | None = None,
        timestamp: int = 0,
        links: Mapping[str, str] = MappingProxyType({}),
        beside: Mapping[str, SourceFile] = MappingProxyType({}),
    ) -> None:
        """Take the files of a tree.

        Args:
            files: path -> file.
            origin: what to call this tree in messages.
            release: the version of the distribution, if its metadata say it (a wheel's do).
            timestamp: seconds since the epoch, of the newest file by the distribution's own account; 0 without one.
            links: path of a symbolic link -> where it points.
            beside: files of the distribution that are not installed below the import root, such as scripts and entry
                points; they are searched, and never changed.
        """
        super().__init__(files)
        self.origin = origin
        self.release = release
        self.timestamp = timestamp
        self.links = MappingProxyType(dict(links))
        self.beside = MappingProxyType(dict(beside))

    @classmethod
    @typed_arguments
    def of(
        cls,
        files: Mapping[str, bytes | str | SourceFile],
        *,
        origin: str = "the files in memory",
        release: str | None = None,
    ) -> SourceTree:
        """A tree of files in memory.

        Args:
            files: path -> bytes, or text that becomes UTF-8; both with mode 0o644. A `SourceFile` has its own mode.
            origin: what to call this tree in messages.
            release: the version of the distribution, which the `releases` of a patch are held against.

        Example:
            >>> SourceTree.of({"app.py": b""}, origin="example", release="1.2")
            <SourceTree example: 1 files>
        """
        return cls({path: _file(content) for path, content in files.items()}, origin=origin, release=release)

    def __reduce__(self) -> tuple[object, ...]:
        whole = partial(
            SourceTree,
            origin=self.origin,
            release=self.release,
            timestamp=self.timestamp,
            links=dict(self.links),
            beside=dict(self.beside),
        )
        return whole, (dict(self),)

    def __repr__(self) -> str:
        return f"<SourceTree {self.origin}: {len(self)} files>"

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a file, directly or deeper, except the root itself."""
        found: set[str] = set()
        for path in self:
            parent = path.rpartition("/")[0]
            while parent and parent not in found:
                found.add(parent)
                parent = parent.rpartition("/")[0]
        return frozenset(found)

    @typed_arguments
    def replaced(self, files: Mapping[str, SourceFile | None]) -> SourceTree:
        """This tree with some paths set, or removed where the value is None."""
        merged = self._values.copy()
        for path, file in files.items():
            if file is None:
                merged.pop(path, None)
            else:
                merged[path] = file
        return SourceTree(
            merged,
            origin=self.origin,
            release=self.release,
            timestamp=self.timestamp,
            links=self.links,
            beside=self.beside,
        )


def folders_above(path: str) -> Iterator[str]:
    """The folders that a path is in, the nearest first.

    >>> list(folders_above("a/b/c"))
    ['a/b', 'a']
    """
    while path := path.rpartition("/")[0]:
        yield path


def _file(content: bytes | str | SourceFile) -> SourceFile:
    if isinstance(content, SourceFile):
        return content
    return SourceFile.of(content.encode() if isinstance(content, str) else content)
