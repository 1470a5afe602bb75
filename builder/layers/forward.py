"""A stream that tarfile reads as a file: forward only, without copying what it skips."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from m2build.local.reading import LARGEST_SOURCE

_PIECE = 1 << 20


class ForwardFile:
    """A stream with `tell` and forward `seek`.

    tarfile's own mode for streams copies its whole buffer for every header.
    """

    def __init__(self, stream: BinaryIO, seen: Callable[[int, bytes], object] | None = None) -> None:
        """Wrap a stream at position 0.

        Args:
            stream: what to read.
            seen: called with the position and the bytes of each piece that is read; with no bytes for a piece inside of
                one seek over more than `LARGEST_SOURCE`, which no other reader of the tar wants.
        """
        self._stream = stream
        self._seen = seen
        self._piece = b""
        self._start = 0
        self._position = 0

    def tell(self) -> int:
        """How many bytes have been read or skipped."""
        return self._position

    def read(self, size: int) -> bytes:
        """The next bytes; fewer only at the end."""
        parts: list[bytes] = []
        while size and self._has_more():
            part = self._piece[self._start : self._start + size]
            self._move(len(part))
            size -= len(part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def lacks(self, start: int, size: int) -> bool:
        """Whether some of these bytes are not what they were: they were left out when the layer was written down."""
        lacks = getattr(self._stream, "lacks", None)
        return lacks is not None and bool(lacks(start, size))

    def seek(self, position: int) -> int:
        """Move forward to a position, or to the end if that comes first."""
        if position < self._position:
            raise ValueError("this stream cannot seek backward")
        is_wide = position - self._position > LARGEST_SOURCE
        while self._position < position and self._has_more(unseen=position - self._position if is_wide else 0):
            self._move(min(position - self._position, len(self._piece) - self._start))
        return self._position

    def _move(self, count: int) -> None:
        self._start += count
        self._position += count

    def _has_more(self, *, unseen: int = 0) -> bool:
        if self._start == len(self._piece):
            self._piece = b""  # before the next one comes, so that there are never two
            self._piece = self._stream.read(_PIECE)
            self._start = 0
            if self._seen and self._piece:
                self._seen(self._position, self._piece if len(self._piece) > unseen else b"")
        return bool(self._piece)
