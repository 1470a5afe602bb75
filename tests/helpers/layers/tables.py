"""Layers with a table of contents, made after the formats' descriptions, without the code under test.

skopeo writes zstd:chunked and crane eStargz; these are for what those tools do not write, and for many small layers.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import zstandard

from helpers.images import config_document, file, layer_type, tar
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image, MemoryBlobs, Reading
from m2build.oci.manifest import build_manifest
from m2build.oci.media_types import OCI

Entries = list[dict[str, Any]]
ZSTD, STARGZ = "io.github.containers.zstd-chunked.manifest-", "containerd.io/snapshot/stargz/toc.digest"
_KINDS = {
    tarfile.REGTYPE: "reg", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo",
}  # fmt: skip


@dataclass(frozen=True)
class Tabled:
    """A layer with a table: its blob, the tar that it holds, the manifest's annotations of it, and its kind."""

    blob: bytes
    tar: bytes
    annotations: Mapping[str, str]
    how: str


@dataclass
class Maker:
    """A blob in the making: pieces that are compressed each by itself, and the entries of its table."""

    compress: Callable[[bytes], bytes]
    chunk: int
    blob: bytearray = field(default_factory=bytearray)
    entries: Entries = field(default_factory=list)

    def add(self, piece: bytes) -> int:
        offset = len(self.blob)
        self.blob += self.compress(piece) if piece else b""
        return offset

    def files(self, layer: bytes, end: int | None = None) -> None:
        """All members of a tar, and its end up to some byte."""
        position = 0
        with tarfile.open(fileobj=io.BytesIO(layer), errorlevel=2) as archive:
            for info in archive:
                self.add(layer[position : info.offset_data])
                position = info.offset_data + (info.size if info.isreg() else 0)
                self.entries += self._entries(info, layer[info.offset_data : position])
        self.add(layer[position:end])

    def _entries(self, info: tarfile.TarInfo, content: bytes) -> Iterator[dict[str, Any]]:
        pieces = [content[start : start + self.chunk] for start in range(0, len(content), self.chunk)]
        first = {
            "type": _KINDS[info.type], "name": info.name + "/" * info.isdir(), "linkName": info.linkname,
            "mode": info.mode, "uid": info.uid, "gid": info.gid, "size": len(content),
            "modtime": f"{datetime.fromtimestamp(int(info.mtime), UTC):%Y-%m-%dT%H:%M:%S}Z",
            "xattrs": attributes(info), "digest": digest_of(content) if content else "",
        }  # fmt: skip
        places = [
            {
                "offset": self.add(piece), "chunkSize": len(piece), "chunkOffset": number * self.chunk,
                "chunkDigest": digest_of(piece),
            }
            for number, piece in enumerate(pieces)
        ]  # fmt: skip
        yield {key: value for key, value in {**first, **(places[0] if places else {})}.items() if value}
        for place in places[1:]:
            yield {"type": "chunk", "name": info.name, **place}


def attributes(info: tarfile.TarInfo) -> dict[str, str]:
    found = {key.removeprefix("SCHILY.xattr."): value for key, value in info.pax_headers.items() if "xattr" in key}
    return {key: base64.b64encode(value.encode("utf-8", "surrogateescape")).decode() for key, value in found.items()}


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def document(entries: Entries, **others: Any) -> bytes:
    return json.dumps({"version": 1, "entries": entries} | others).encode()


def zstd_chunked(layer: bytes, *, chunk: int = 700, change: Callable[[Entries], Any] = lambda _: None) -> Tabled:
    """A layer as skopeo compresses it; `change` alters the table's entries before its digest is taken."""
    maker = Maker(zstandard.ZstdCompressor().compress, chunk)
    maker.files(layer)
    changed = change(maker.entries)
    table = changed if isinstance(changed, bytes) else document(maker.entries)
    stored = zstandard.ZstdCompressor().compress(table)
    position = len(maker.blob) + 8
    for frame in (stored, struct.pack("<QQQQ", position, len(stored), len(table), 1) + b"GnUlInUx"):
        maker.blob += b"\x50\x2a\x4d\x18" + struct.pack("<I", len(frame)) + frame
    said = {f"{ZSTD}checksum": digest_of(stored), f"{ZSTD}position": f"{position}:{len(stored)}:{len(table)}:1"}
    return Tabled(bytes(maker.blob), layer, said, "zstd")


def estargz(layer: bytes, *, chunk: int = 700, change: Callable[[Entries], Any] = lambda _: None) -> Tabled:
    """A layer as crane makes it eStargz; its tar has the table as a last member."""
    maker = Maker(lambda piece: gzip.compress(piece, mtime=0), chunk)
    maker.files(layer, _end(layer))
    changed = change(maker.entries)
    table = changed if isinstance(changed, bytes) else document(maker.entries)
    index, offset = tar(file("stargz.index.json", table)), len(maker.blob)
    maker.add(index)
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % offset
    footer = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff" + struct.pack("<H", len(extra)) + extra
    maker.blob += footer + b"\x01\x00\x00\xff\xff" + bytes(8)
    return Tabled(bytes(maker.blob), layer[: _end(layer)] + index, {STARGZ: digest_of(table)}, "gzip")


def _end(layer: bytes) -> int:
    """Where the last member of a tar ends."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        members = archive.getmembers()
        if not members:
            return 0
        last = members[-1]
        return last.offset_data + -(-(last.size if last.isreg() else 0) // 512) * 512


MAKERS: Mapping[str, Callable[..., Tabled]] = {"zstd:chunked": zstd_chunked, "eStargz": estargz}


def tabled_image(*layers: Tabled, bound: float | None = None) -> Image:
    """An image of such layers, to be read by their tables."""
    config = json.dumps(config_document([layer.tar for layer in layers])).encode()
    descriptors = [
        replace(Descriptor.of(layer_type(OCI, layer.how), layer.blob), more={"annotations": dict(layer.annotations)})
        for layer in layers
    ]
    manifest = build_manifest(OCI, Descriptor.of(OCI.config, config), descriptors, {})
    blobs = MemoryBlobs({Digest.of(layer.blob): layer.blob for layer in layers})
    return Image(manifest, ImageConfig(config), blobs, reading=Reading(by_table=True, bound=bound))
