"""Gzip streams that do not depend on a compressor (RFC 1952, with the stored blocks of RFC 1951)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Method deflate, no flags, no time, no extra flags, operating system unknown."""
_LONGEST = 0xFFFF


def stored_gzip(data: bytes) -> bytes:
    """The data as gzip without compression.

    Compressed bytes differ between zlib builds, and with them a layer's digest; stored blocks do not. They add five
    bytes for every 64 KiB.
    """
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return b"".join([_HEADER, *_blocks(data), trailer])


def _blocks(data: bytes) -> Iterator[bytes]:
    for start in range(0, max(len(data), 1), _LONGEST):
        chunk = data[start : start + _LONGEST]
        is_last = start + _LONGEST >= len(data)
        yield struct.pack("<BHH", is_last, len(chunk), len(chunk) ^ 0xFFFF) + chunk
