"""Forged images: an honest derived image, taken apart, changed and put together again, by tarfile and json alone."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.images import Entry, tar
from m2build.oci.image import Image, read_blob

Document = dict[str, Any]


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def entries_of(layer: bytes) -> list[Entry]:
    """A tar's members."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        for info in archive:
            file = archive.extractfile(info) if info.isreg() else None
            found.append((info, file.read() if file else b""))
    return found


def ending(entries: Sequence[Entry]) -> bytes:
    """A tar that ends as the overlay does: with two empty blocks, and without further padding."""
    data = tar(*entries)
    used = -(-len(data.rstrip(b"\0")) // tarfile.BLOCKSIZE)
    return data[: (used + 2) * tarfile.BLOCKSIZE]


@dataclass
class Forgery:
    """An image to change.

    Attributes:
        below: the base's layers, as tars.
        overlay: the members of the layer above them.
        above: further layers, as tars.
        config: its config; the diff_ids are computed when it is written, unless `diff_ids` is set.
        annotations: its manifest's.
        diff_ids: other diff_ids than the layers have.
        overlay_tar: the overlay's bytes instead of its members.
        stored: what a layer's blob holds on the disk instead of the layer, by position; None for nothing.
        kept_as: what a layer is in the manifest and on the disk, such as compressed, by position.
        raw_config: the config's bytes instead of the document.
        more_manifest: what is done to the manifest before it is written.
    """

    below: list[bytes]
    overlay: list[Entry]
    config: Document
    annotations: dict[str, str]
    above: list[bytes] = field(default_factory=list)
    diff_ids: list[str] | None = None
    overlay_tar: bytes | None = None
    stored: dict[int, bytes | None] = field(default_factory=dict)
    kept_as: dict[int, bytes] = field(default_factory=dict)
    raw_config: bytes | None = None
    more_manifest: Callable[[Document], object] = lambda _: None

    @classmethod
    def of(cls, image: Image, height: int) -> Forgery:
        """An honest image, whose base's layers are stored as plain tars."""
        below = [read_blob(image.blobs, layer) for layer in image.manifest.layers[:height]]
        overlay = gunzipped(read_blob(image.blobs, image.manifest.layers[height]))
        return cls(below, entries_of(overlay), json.loads(image.config.raw), image.manifest.annotations)

    def copied(self) -> Forgery:
        """The same, to be changed."""
        return copy.deepcopy(self)

    @property
    def runtime(self) -> Document:
        """The config's section `config`."""
        found: Document = self.config["config"]
        return found

    @property
    def labels(self) -> dict[str, str]:
        found: dict[str, str] = self.runtime["Labels"]
        return found

    def find(self, end: str) -> int:
        """The position of the one overlay member whose name ends so."""
        (position,) = [number for number, (info, _) in enumerate(self.overlay) if info.name.endswith(end)]
        return position

    def info(self, end: str) -> tarfile.TarInfo:
        """The header of that member."""
        return self.overlay[self.find(end)][0]

    def replace(self, end: str, content: bytes) -> None:
        """Give that member other bytes."""
        info, _ = self.overlay[self.find(end)]
        info.size = len(content)
        self.overlay[self.find(end)] = (info, content)

    def drop(self, end: str) -> None:
        """Take that member out."""
        del self.overlay[self.find(end)]

    def write(self, folder: Path) -> None:
        """Write it as a layout."""
        layers = [*self.below, ending(self.overlay) if self.overlay_tar is None else self.overlay_tar, *self.above]
        self.config["rootfs"]["diff_ids"] = self.diff_ids or [sha256(layer) for layer in layers]
        self.config["history"] += [{"created_by": "more"} for _ in self.above]
        config = json.dumps(self.config).encode() if self.raw_config is None else self.raw_config
        layers = [self.kept_as.get(position, layer) for position, layer in enumerate(layers)]
        blobs = dict(zip(map(sha256, layers), layers, strict=True)) | {sha256(config): config}
        for position, data in self.stored.items():
            del blobs[sha256(layers[position])]
            blobs |= {sha256(layers[position]): data} if data is not None else {}
        types = "application/vnd.oci.image"
        document = {
            "schemaVersion": 2,
            "mediaType": f"{types}.manifest.v1+json",
            "config": described(f"{types}.config.v1+json", config),
            "layers": [described(f"{types}.layer.v1.tar", layer) for layer in layers],
            "annotations": self.annotations,
        }
        self.more_manifest(document)
        manifest = json.dumps(document).encode()
        index = {"schemaVersion": 2, "manifests": [described(f"{types}.manifest.v1+json", manifest)]}
        blobs[sha256(manifest)] = manifest
        (folder / "blobs" / "sha256").mkdir(parents=True)
        for digest, data in blobs.items():
            (folder / "blobs" / digest.replace(":", "/")).write_bytes(data)
        (folder / "index.json").write_text(json.dumps(index))
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def described(media_type: str, data: bytes) -> Document:
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data)}


def gunzipped(data: bytes) -> bytes:
    import gzip

    return gzip.decompress(data)
