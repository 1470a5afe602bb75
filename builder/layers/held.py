"""Fetched layers, written down while they are read, so that no layer is fetched a second time.

Layers are read again for what links lead to, and that there are such links is known only once they have been read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import BinaryIO, cast

from m2build.layers.forward import ForwardFile
from m2build.layers.notes import Again, Budget, Note, Written
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Blobs, Image
from m2build.oci.layer import named, open_layer


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
    """Blobs from below, and layers that were written down; used from several threads, each for its own layer."""

    def __init__(self, below: Blobs) -> None:
        self._below = below
        self._budget = Budget()
        self._notes: dict[Digest, Note] = {}
        self._written: dict[tuple[Digest, Digest | None], Written] = {}

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of a blob's bytes; those of a layer that is being read are noted, if they are fetched."""
        stream = self._below.open(descriptor)
        note = self._notes.pop(descriptor.digest, None)
        if note and getattr(stream, "is_fetched", False) and not getattr(stream, "is_kept", False):
            return cast("BinaryIO", _Noted(stream, note))
        return stream

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
            self._notes[layer.digest] = note
            with open_layer(image, layer, diff_id) as stream:
                yield ForwardFile(stream, note.add if note.location else None)
            if written := note.given():
                self._written[layer.digest, diff_id] = self._written[layer.digest, None] = written

    def _forget(self, written: Written) -> None:
        self._written = {key: other for key, other in self._written.items() if other is not written}
        written.file.close()

    def close(self) -> None:
        """Give up what was written down."""
        for written in self._written.values():
            written.file.close()


class _Noted(io.RawIOBase):
    """A fetched stream whose bytes are noted as they are read."""

    is_fetched = True

    def __init__(self, stream: BinaryIO, note: Note) -> None:
        self.name = getattr(stream, "name", "a registry")
        self._stream = stream
        self._note = note
        note.location = f" in {self.name}"

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._note.add_stored(data)
        return data

    def close(self) -> None:
        self._stream.close()
        super().close()
