"""The tars of fetched layers, written down while they are read, so that no layer is fetched a second time.

Layers are read again for what links lead to, and that there are such links is known only once they have been read. Most
bytes of a large base are in files that are too large for sources: these are holes in what is written down.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import IO, BinaryIO, cast

from m2build.layers.forward import ForwardFile
from m2build.local.temporary import temporary_place
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.hashing import Beside
from m2build.oci.image import Blobs, Image
from m2build.oci.layer import named, open_layer

_MOST = 2 << 30
"""Bytes of one image. Writing down all of a base of 75 GB would cost more than it saves."""
_SHARE = 4
"""What part of the free space of the folder for temporary files may be taken: a fourth. It may be memory."""


@contextmanager
def held(image: Image) -> Iterator[Image]:
    """The image; inside of the block `layer_tar` fetches each of its layers once.

    The files have no names: nothing is left of them, however the process ends. What cannot be written down, and what is
    too much, is fetched again.
    """
    blobs = _HeldBlobs(image.blobs)
    try:
        yield replace(image, blobs=blobs)
    finally:
        blobs.close()


@contextmanager
def layer_tar(image: Image, layer: Descriptor, diff_id: Digest | None) -> Iterator[ForwardFile]:
    """A layer's tar, checked as by `open_layer`. It need not be fetched again if the image is held.

    Raises:
        ContentError: the layer is missing, truncated, altered or cannot be decompressed; the message names it.
    """
    if isinstance(image.blobs, _HeldBlobs):
        with image.blobs.tar(image, layer, diff_id) as file:
            yield file
    else:
        with open_layer(image, layer, diff_id) as stream:
            yield ForwardFile(stream)


class _HeldBlobs:
    """Blobs from below, and tars that were written down; used from several threads, each for its own layer."""

    def __init__(self, below: Blobs) -> None:
        self._below = below
        self._budget = _Budget()
        self._fetched: dict[Digest, str] = {}
        self._files: dict[tuple[Digest, Digest | None], IO[bytes]] = {}

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of a blob's bytes."""
        stream = self._below.open(descriptor)
        if getattr(stream, "is_fetched", False) and not getattr(stream, "is_kept", False):
            self._fetched[descriptor.digest] = f" in {getattr(stream, 'name', 'a registry')}"
        return stream

    @contextmanager
    def tar(self, image: Image, layer: Descriptor, diff_id: Digest | None) -> Iterator[ForwardFile]:
        """A layer's tar, as `layer_tar` has it."""
        file = self._files.get((layer.digest, diff_id))
        if file is not None:
            with named(layer, self._fetched[layer.digest]):
                yield ForwardFile(cast("BinaryIO", _Lent(file)))
            return
        with closing(_Note(self._budget)) as note:
            with open_layer(image, layer, diff_id) as stream:
                yield ForwardFile(stream, note.add if layer.digest in self._fetched else None)
            if layer.digest in self._fetched and (file := note.given()):
                self._files[layer.digest, diff_id] = self._files[layer.digest, None] = file

    def close(self) -> None:
        """Give up what was written down."""
        for file in self._files.values():
            file.close()


class _Budget:
    """Bytes that may be written down."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._lock = threading.Lock()

    def take(self, count: int) -> bool:
        """Take bytes, or give them back if they are negative; False if there are not as many."""
        with self._lock:
            if self._left is None:
                self._left = min(_MOST, shutil.disk_usage(temporary_place()).free // _SHARE)
            if count > self._left:
                return False
            self._left -= count
            return True


class _Note:
    """A file for a stream that is being read; with a place that cannot be written, it comes to nothing."""

    def __init__(self, budget: _Budget) -> None:
        self._budget = budget
        self._count = 0
        self._file: IO[bytes] | None = None
        self._is_given_up = False
        self._beside = Beside(self._write)

    def add(self, position: int, data: bytes) -> None:
        """Write bytes down where they are in the stream."""
        if not self._is_given_up:
            self._beside.add((position, data))

    def given(self) -> IO[bytes] | None:
        """The file, which belongs to the caller from now on; None if not all could be written."""
        self._beside.close()
        file, self._file = self._file, None
        return file

    def close(self) -> None:
        """Give up what was written, if it is not the caller's."""
        self._beside.close()
        self._give_up()

    def _write(self, piece: tuple[int, bytes]) -> None:
        if self._is_given_up:
            return
        position, data = piece
        with suppress(OSError):
            self._file = self._file or _nameless_file()
            if self._budget.take(len(data)):
                self._count += len(data)
                if os.pwrite(self._file.fileno(), data, position) == len(data):
                    return
        self._give_up()

    def _give_up(self) -> None:
        self._is_given_up = True
        file, self._file = self._file, None
        if file is not None:
            file.close()
            self._budget.take(-self._count)


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
        data = os.pread(self._file.fileno(), size, self._position)
        self._position += len(data)
        return data
