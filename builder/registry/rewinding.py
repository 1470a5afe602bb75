"""A blob's bytes on their way to a registry, the last of which can be sent again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Self

from m2build.errors import StorageError
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Blobs, VerifiedReader, open_blob

_PIECE = 1 << 18
_KEPT = 8 << 20
"""Bytes that can be sent again: more than the buffers of two sockets hold (tcp(7): 4 MiB and 6 MiB at most)."""


class Rewinding:
    """A blob's bytes, checked at the end; the last 8 MiB can be read again, or all of them from the beginning.

    Attributes:
        position: the offset of the next byte.
    """

    def __init__(self, sources: Blobs, blob: Descriptor) -> None:
        self.position = 0
        self._sources = sources
        self._blob = blob
        self._reader: VerifiedReader | None = None
        self._has_ended = False
        self._kept: deque[bytes] = deque()
        self._size = 0
        self._again = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.restart()

    def restart(self) -> None:
        """Close the source; the next bytes are the first ones, read anew."""
        if self._reader is not None:
            self._reader.close()
        self.position, self._reader, self._has_ended = 0, None, False
        self._kept, self._size, self._again = deque(), 0, b""

    def seek(self, offset: int) -> bool:
        """Go to an offset; False if the bytes there are neither kept nor the first ones."""
        end = self.position + len(self._again)
        if end - self._size <= offset <= end:
            whole = b"".join(self._kept)
            self._kept = deque([whole])
            self._again = whole[len(whole) - (end - offset) :]
            self.position = offset
            return True
        if offset == 0:
            self.restart()
        return offset == 0

    def pieces(self) -> Iterator[bytes]:
        """The bytes from here on.

        Raises:
            ContentError: the blob is not what it should be.
            StorageError: it cannot be read.
        """
        while data := self._next():
            self.position += len(data)
            yield data

    def _next(self) -> bytes:
        if self._again:
            data, self._again = self._again[:_PIECE], self._again[_PIECE:]
            return data
        data = b"" if self._has_ended else self._read()
        self._has_ended = not data
        self._kept.append(data)
        self._size += len(data)
        while self._size - len(self._kept[0]) >= _KEPT:
            self._size -= len(self._kept.popleft())
        return data

    def _read(self) -> bytes:
        if self._reader is None:
            self._reader = open_blob(self._sources, self._blob)
        try:
            return self._reader.read(_PIECE)
        except OSError as error:
            where = f"{self._blob.digest}{self._reader.location}"
            raise StorageError(f"the blob {where} cannot be read: {error.strerror}") from error
