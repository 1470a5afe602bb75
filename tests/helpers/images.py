"""Sample images, made with Python's tarfile, gzip and zstandard, not with the code under test."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from typing import Any, BinaryIO

import zstandard

from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Blobs, Image, MemoryBlobs, open_blob
from m2build.oci.manifest import build_manifest
from m2build.oci.media_types import OCI, MediaTypes
from m2build.places.place import Place
from m2build.places.transports import read_image

Entry = tuple[tarfile.TarInfo, bytes]


def entry(name: str, kind: bytes, content: bytes = b"", **attributes: Any) -> Entry:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, len(content), 1_700_000_000
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


def file(name: str, content: bytes = b"", **attributes: Any) -> Entry:
    return entry(name, tarfile.REGTYPE, content, **attributes)


def folder(name: str, mode: int = 0o755, **attributes: Any) -> Entry:
    return entry(name, tarfile.DIRTYPE, mode=mode, **attributes)


def symlink(name: str, target: str, **attributes: Any) -> Entry:
    return entry(name, tarfile.SYMTYPE, linkname=target, **attributes)


def hardlink(name: str, target: str) -> Entry:
    return entry(name, tarfile.LNKTYPE, linkname=target)


def tar(*entries: Entry) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def compressed(layer: bytes, how: str) -> bytes:
    if how == "gzip":
        return gzip.compress(layer, mtime=0)
    return zstandard.ZstdCompressor().compress(layer) if how == "zstd" else layer


def layer_type(types: MediaTypes, how: str) -> str:
    return {"plain": types.layer, "gzip": types.layer_gzip, "zstd": "application/vnd.oci.image.layer.v1.tar+zstd"}[how]


def config_document(layers: Sequence[bytes], **members: Any) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "2024-05-06T07:08:09.123456789Z",
        "config": {"Env": ["PATH=/bin"], "Labels": {"a": "b"}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]},
        "history": [{"created_by": f"layer {number}"} for number, _ in enumerate(layers)],
        **members,
    }


def image(
    *layers: bytes,
    types: MediaTypes = OCI,
    how: str = "gzip",
    annotations: dict[str, str] | None = None,
    **members: Any,
) -> Image:
    """An image of some tars, stored as `how` says."""
    blobs = [compressed(layer, how) for layer in layers]
    config = json.dumps(config_document(layers, **members)).encode()
    descriptors = [Descriptor.of(layer_type(types, how), blob) for blob in blobs]
    manifest = build_manifest(types, Descriptor.of(types.config, config), descriptors, annotations or {})
    return Image(manifest, ImageConfig(config), MemoryBlobs({Digest.of(blob): blob for blob in blobs}))


SAMPLE = (
    tar(
        folder("bin"), file("bin/tool", b"#!/bin/sh\n", mode=0o755), folder("srv"), folder("srv/app", mode=0o750),
        file("srv/app/gone.py", b"old"), file("srv/app/kept.py", b"kept", uid=7, gid=8),
        symlink("srv/app/link", "kept.py"),
    ),
    tar(folder("srv"), folder("srv/app", mode=0o750), file("srv/app/.wh.gone.py"), file("srv/app/new.py", b"new")),
)  # fmt: skip
"""Two layers: the second adds a file and hides one."""


def read_everything(place: Place) -> Image:
    """The image at a place, after a check of every layer's stored bytes."""
    found = read_image(place, "linux/amd64").image
    for layer in found.manifest.layers:
        with open_blob(found.blobs, layer) as reader:
            reader.drain()
    return found


def flip(data: bytes) -> bytes:
    """The same bytes with one bit altered."""
    return data[:-1] + bytes([data[-1] ^ 1])


class WatchedBlobs:
    """Blobs that record which of them are opened."""

    def __init__(self, below: Blobs) -> None:
        self.below = below
        self.opened: list[Descriptor] = []

    def open(self, descriptor: Descriptor) -> BinaryIO:
        self.opened.append(descriptor)
        return self.below.open(descriptor)
