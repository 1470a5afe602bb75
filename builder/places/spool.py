"""Blobs that are kept on disk while they are read, so that copying them later does not fetch them again."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from m2build.local.failures import storage
from m2build.local.temporary import temporary_folder
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Blobs
from m2build.oci.parts import part_of


class Spool:
    """The blobs of a remote image, for several threads.

    While one thread reads a blob, others wait for it. A blob that cannot be kept is read again later: a full disk is
    not reported here, but by the copy.
    """

    def __init__(self, below: Blobs, folder: Path, is_needed: Callable[[Descriptor], bool]) -> None:
        """Prepare.

        Args:
            below: where the blobs are.
            folder: where they are kept.
            is_needed: whether a blob will be copied later.
        """
        self._below = below
        self._folder = folder
        self._is_needed = is_needed
        self._changed = threading.Condition()
        self._read: set[Digest] = set()
        self._keeps = False

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of a blob's bytes: from the kept file, or from below, and then kept if it is needed."""
        digest = descriptor.digest
        with self._changed:
            self._changed.wait_for(lambda: digest not in self._read)
            path = self._path(digest)
            if path.exists():
                return cast("BinaryIO", Kept(path))
            if not self._keeps:
                return self._below.open(descriptor)
            self._read.add(digest)
        try:
            if self._is_needed(descriptor):
                copy = _Copy(path.with_suffix(".part"))
                return cast("BinaryIO", _Copied(self._below.open(descriptor), copy, lambda: self._done(digest, copy)))
        except BaseException:
            self._done(digest, None)
            raise
        self._done(digest, None)
        return self._below.open(descriptor)

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Keep the blobs that are read inside the block."""
        self._keeps = True
        try:
            yield
        finally:
            self._keeps = False

    def _path(self, digest: Digest) -> Path:
        return self._folder / digest.hex

    def _done(self, digest: Digest, copy: _Copy | None) -> None:
        with self._changed:
            if copy is not None:
                copy.finish(self._path(digest))
            self._read.discard(digest)
            self._changed.notify_all()


@contextmanager
def spool_beside(folder: Path) -> Iterator[Path]:
    """A private folder in another one, or in its nearest existing parent; removed at the end.

    Raises:
        StorageError: it cannot be made.
    """
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
    with ExitStack() as stack:
        with storage(there, "written"):
            kept = stack.enter_context(temporary_folder(there))
        yield kept


class Kept(io.FileIO):
    """A blob's bytes as they were kept; their digest was right."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self._path = path

    def move(self, path: Path) -> bool:
        """Put the file where its bytes are wanted, if that is in the same file system; it is not kept any more then."""
        try:
            os.fsync(self.fileno())
            path.parent.mkdir(parents=True, exist_ok=True)
            self._path.replace(path)
        except OSError:
            return False
        return True


class _Copy:
    """A file for the bytes that are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_right = False
        self._file: BinaryIO | None = None
        with suppress(OSError):
            self._file = path.open("wb")

    def write(self, data: bytes) -> None:
        try:
            if self._file is not None:
                self._file.write(data)
        except OSError:
            self._drop()

    def vouch(self) -> None:
        """Note that what was written is the whole blob, unaltered."""
        self._is_right = True

    def finish(self, path: Path) -> None:
        """Keep the file under its name if it is complete and unaltered; else remove it."""
        if self._file is None:
            return
        try:
            self._file.close()
            if self._is_right:
                self._path.rename(path)
                return
        except OSError:
            pass
        self._drop()

    def _drop(self) -> None:
        file, self._file = self._file, None
        with suppress(OSError):
            if file is not None:
                file.close()
        with suppress(OSError):
            self._path.unlink()


class _Copied(io.RawIOBase):
    """A stream that copies its bytes as they are read."""

    is_kept = True

    def __init__(self, stream: BinaryIO, copy: _Copy, done: Callable[[], None]) -> None:
        self.name = getattr(stream, "name", None)
        self.is_fetched = getattr(stream, "is_fetched", False)
        self.vouch = copy.vouch
        self._stream = stream
        self._copy = copy
        self._finish = done

    def readable(self) -> bool:
        return True

    def part(self, first: int, end: int) -> BinaryIO | None:
        """A part of the stream, which is not copied."""
        return part_of(self._stream, first, end)

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._copy.write(data)
        return data

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            super().close()
            self._finish()
