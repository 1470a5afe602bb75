"""Fetched layers, written down while they are read, so that no layer is fetched a second time.

Layers are read again for what links lead to, and that there are such links is known only once they have been read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from m2build.errors import ContentError
from m2build.layers.fetching import Fetching
from m2build.layers.forward import ForwardFile
from m2build.layers.notes import Again, Budget, Note, Written
from m2build.layers.readings import Readings
from m2build.layers.table_claims import TableClaim
from m2build.layers.tables import Table, read_table
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Blobs, Image
from m2build.oci.layer import named, open_layer
from m2build.oci.parts import part_of
from m2build.progress import Progress, Silent


@contextmanager
def held(image: Image, progress: Progress | None = None) -> Iterator[Image]:
    """The image; inside of the block `layer_tar` fetches each of its layers once, and `layer_table` each table.

    The files have no names: nothing is left of them, however the process ends. What cannot be written down, and what is
    too much, is fetched again.

    Args:
        image: the image.
        progress: receives how much of it has been fetched; or None.
    """
    blobs = _HeldBlobs(image.blobs, Fetching(image.reading.bound, progress or Silent()))
    try:
        yield replace(image, blobs=blobs)
    finally:
        blobs.close()


def fetching_of(image: Image) -> Fetching:
    """What is fetched of an image that is held; for any other, nothing is counted."""
    return image.blobs.fetching if isinstance(image.blobs, _HeldBlobs) else Fetching(None, Silent())


def readings_of(image: Image) -> Readings | None:
    """What is kept of an image that is held; None for any other."""
    return image.blobs.readings if isinstance(image.blobs, _HeldBlobs) else None


@contextmanager
def layer_table(image: Image, layer: Descriptor, claim: TableClaim) -> Iterator[tuple[Table, BinaryIO]]:
    """A layer's table of contents, and the layer for its chunks.

    Raises:
        UnfitTableError: the layer cannot be read by a table.
        ContentError: the table is missing or altered; the message names the layer.
    """
    with image.blobs.open(layer) as stream:
        name = getattr(stream, "name", None)
        with named(layer, f" in {name}" if name else ""):
            if isinstance(image.blobs, _HeldBlobs):
                yield image.blobs.table(stream, layer, claim), stream
            else:
                table = read_table(stream, layer, claim)
                with table.file:
                    yield table, stream


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
    """Blobs from below, and layers that were written down; used from several threads, each for its own layer."""

    def __init__(self, below: Blobs, fetching: Fetching) -> None:
        self.fetching = fetching
        self.readings = Readings()
        self._below = below
        self._tables: dict[tuple[Digest, TableClaim], Table] = {}
        self._budget = Budget()
        self._written: dict[tuple[Digest, Digest | None], Written] = {}

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of a blob's bytes, which are counted if they are fetched."""
        stream = self._below.open(descriptor)
        return cast("BinaryIO", _Counted(stream, self.fetching)) if getattr(stream, "is_fetched", False) else stream

    def table(self, stream: BinaryIO, layer: Descriptor, claim: TableClaim) -> Table:
        """A layer's table, as `layer_table` has it."""
        key = layer.digest, claim
        if key not in self._tables:
            self._tables[key] = read_table(stream, layer, claim)
        return self._tables[key]

    @contextmanager
    def tar(self, image: Image, layer: Descriptor, diff_id: Digest | None) -> Iterator[ForwardFile]:
        """A layer's tar, as `layer_tar` has it."""
        written = self._written.get((layer.digest, diff_id))
        if written is not None:
            again = Again(written)
            try:
                with named(layer, written.location):
                    yield ForwardFile(cast("BinaryIO", again))
            finally:
                if again.was_lacking:
                    self._forget(written)
            return
        with closing(Note(self._budget)) as note:
            with open_layer(replace(image, blobs=_NotedBlobs(self, note)), layer, diff_id) as stream:
                yield ForwardFile(stream, note.add if note.location else None)
            if written := note.given():
                self._written[layer.digest, diff_id] = self._written[layer.digest, None] = written

    def _forget(self, written: Written) -> None:
        for key in [key for key, other in list(self._written.items()) if other is written]:
            self._written.pop(key, None)
        written.file.close()

    def close(self) -> None:
        """Give up what was written down."""
        for written in self._written.values():
            written.file.close()
        for table in self._tables.values():
            table.file.close()
        self.fetching.end()


@dataclass(frozen=True)
class _NotedBlobs:
    """Blobs of which one layer is read, and written down if it is fetched."""

    below: _HeldBlobs
    into: Note

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of the layer's bytes."""
        stream = self.below.open(descriptor)
        if isinstance(stream, _Counted) and not stream.is_kept:
            stream.note(self.into)
        return stream


class _Counted(io.RawIOBase):
    """A fetched stream whose bytes are counted as they are read, and may be noted."""

    is_fetched = True

    def __init__(self, stream: BinaryIO, fetching: Fetching) -> None:
        self.name = getattr(stream, "name", "a registry")
        self._stream = stream
        self._fetching = fetching
        self._note: Note | None = None
        self.is_kept = bool(getattr(stream, "is_kept", False))
        if hasattr(stream, "vouch"):
            self.vouch = stream.vouch

    def note(self, note: Note) -> None:
        """Note the bytes that are read from now on."""
        self._note = note
        note.location = f" in {self.name}"

    def part(self, first: int, end: int) -> BinaryIO | None:
        """A part of the stream, whose bytes are counted too."""
        self._fetching.allow(end - first)
        part = part_of(self._stream, first, end)
        return cast("BinaryIO", _Counted(part, self._fetching)) if part else None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if self._fetching.has_ended:
            raise ContentError("the reading has ended")  # in a thread that reads ahead, and is waited for no more
        data = self._stream.read(size)
        self._fetching.add(len(data))
        if self._note:
            self._note.add_stored(data)
        return data

    def close(self) -> None:
        self._stream.close()
        super().close()
