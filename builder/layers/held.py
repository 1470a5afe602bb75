"""What is fetched of an image's layers, written down while it is read, so that no layer is fetched a second time.

Layers are read again for what links lead to, and that there are such links is known only once they have been read.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import IO, BinaryIO, cast

from m2build.local.temporary import temporary_place
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.hashing import RunningHash
from m2build.oci.image import Blobs, Image

_MOST = 2 << 30
"""Bytes of one image. Writing down all of a base of 20 GB would cost more than it saves."""
_SHARE = 4
"""What part of the free space of the folder for temporary files may be taken: a fourth. It may be memory."""


@contextmanager
def held(image: Image) -> Iterator[Image]:
    """The image, whose layers are fetched once inside of the block.

    The files have no names: nothing is left of them, however the process ends. What cannot be written down, and what is
    too much, is fetched again.
    """
    blobs = _HeldBlobs(image.blobs)
    try:
        yield replace(image, blobs=blobs)
    finally:
        blobs.close()


class _HeldBlobs:
    """Blobs: those that were written down, and others from below; used from several threads, each for its own layer."""

    def __init__(self, below: Blobs) -> None:
        self._below = below
        self._files: dict[Digest, IO[bytes]] = {}
        self._left: int | None = None
        self._lock = threading.Lock()

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of a blob's bytes."""
        file = self._files.get(descriptor.digest)
        if file is not None:
            return cast("BinaryIO", _Lent(file))
        stream = self._below.open(descriptor)
        if getattr(stream, "is_fetched", False) and not getattr(stream, "is_kept", False) and self._take(descriptor):
            with suppress(OSError):
                return cast("BinaryIO", _Noted(stream, _nameless_file(), descriptor, self._files))
        return stream

    def close(self) -> None:
        """Give up what was written down."""
        for file in self._files.values():
            file.close()

    def _take(self, descriptor: Descriptor) -> bool:
        with self._lock:
            if self._left is None:
                self._left = min(_MOST, shutil.disk_usage(temporary_place()).free // _SHARE)
            fits = descriptor.size <= self._left
            self._left -= descriptor.size if fits else 0
        return fits


def _nameless_file() -> IO[bytes]:
    return tempfile.TemporaryFile(buffering=0, dir=temporary_place())


class _Lent(io.RawIOBase):
    """A file's bytes from its beginning; it stays open, for the next one."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = os.pread(self._file.fileno(), _MOST if size < 0 else size, self._position)
        self._position += len(data)
        return data


class _Noted(io.RawIOBase):
    """A stream whose bytes are written down as they are read; they are kept if they are what they should be."""

    is_fetched = True

    def __init__(
        self, stream: BinaryIO, file: IO[bytes], descriptor: Descriptor, files: dict[Digest, IO[bytes]]
    ) -> None:
        self.name = getattr(stream, "name", None)
        self._stream = stream
        self._file: IO[bytes] | None = file
        self._descriptor = descriptor
        self._files = files
        self._hash = RunningHash(descriptor.digest.algorithm)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        try:
            if self._file is not None and self._file.write(data) != len(data):
                self._drop()
        except OSError:  # the disk is full
            self._drop()
        return data

    def close(self) -> None:
        if self.closed:
            return
        self._stream.close()
        super().close()
        if self._hash.hexdigest() != self._descriptor.digest.hex:
            self._drop()
        if self._file is not None:
            self._files[self._descriptor.digest] = self._file

    def _drop(self) -> None:
        file, self._file = self._file, None
        with suppress(OSError):
            if file is not None:
                file.close()
