"""Parts of blobs: by a method of the blob's stream, or in a file by its position."""

from __future__ import annotations

import io
from typing import BinaryIO, cast


def part_of(stream: BinaryIO, first: int, end: int) -> BinaryIO | None:
    """A stream of a blob's bytes from `first` up to `end`, unchecked; None if only the whole blob can be read.

    It is to be read before another part of the same stream is.

    Raises:
        TransportError: a registry fails.
    """
    part = getattr(stream, "part", None)
    if part is not None:
        return cast("BinaryIO | None", part(first, end))
    if not stream.seekable():
        return None
    stream.seek(first)
    return cast("BinaryIO", Bounded(stream, end - first))


class Bounded(io.RawIOBase):
    """The next bytes of a stream, at most so many; the stream stays open."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # bytes alone cannot be written to
        """Read the next bytes into a buffer."""
        data = self._stream.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def skip_rest(self) -> None:
        """Read what is left of them."""
        while self._left and self.read(1 << 18):
            pass
