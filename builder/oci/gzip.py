"""gzip (RFC 1952): a stream whose bytes no compressor decides, in stored blocks (RFC 1951), and a fast reader."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from isal import isal_zlib

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Method deflate, no flags, no time, no extra flags, operating system unknown."""
_LONGEST = 0xFFFF


def stored_gzip(data: bytes) -> bytes:
    """The data as gzip without compression.

    Compressed bytes differ from one zlib build to the next, and with them a layer's digest; stored blocks do not. The
    price is five bytes for every 64 KiB.
    """
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return b"".join([_HEADER, *_blocks(data), trailer])


def _blocks(data: bytes) -> Iterator[bytes]:
    for start in range(0, max(len(data), 1), _LONGEST):
        chunk = data[start : start + _LONGEST]
        is_last = start + _LONGEST >= len(data)
        yield struct.pack("<BHH", is_last, len(chunk), len(chunk) ^ 0xFFFF) + chunk


_PIECE = 1 << 18


class GzipReader(io.RawIOBase):
    """The bytes of a gzip stream of one member or several.

    Layers are gigabytes: ISA-L inflates them in less than half of zlib's time, and gzip.GzipFile asks for 8 KiB at a
    time, which costs as much again where every piece comes through Python.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Wrap a stream of compressed bytes."""
        self._stream = stream
        self._inflater = isal_zlib.decompressobj(wbits=31)
        self._left = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read on.

        Raises:
            isal.igzip_lib.IsalError: it is no gzip, or damaged.
            EOFError: it is truncated.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(_PIECE), b""))
        while size:
            compressed = self._left or self._stream.read(_PIECE)
            if self._inflater.eof:
                compressed = compressed.lstrip(b"\0")  # some writers fill the last block up
                self._left = compressed
                if compressed:
                    self._inflater = isal_zlib.decompressobj(wbits=31)
                elif not (more := self._stream.read(_PIECE)):
                    return b""
                else:
                    self._left = more
                continue
            data = self._inflater.decompress(compressed, size)
            self._left = self._inflater.unused_data or self._inflater.unconsumed_tail
            if data:
                return data
            if not compressed and not self._inflater.eof:
                raise EOFError("the stream ends within its data")
        return b""
