"""`docker-archive:FILE`: what `docker save` writes and `docker load` reads.

The format has a config and layers, but no manifest: reading makes one, in Docker's media types, of the layers as they
are in the archive.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from m2build.errors import ContentError, UsageError
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor, JsonObject
from m2build.oci.digest import Digest
from m2build.oci.found import FoundImage, located
from m2build.oci.image import Image
from m2build.oci.layer import MAGIC, compression_of, open_layer
from m2build.oci.manifest import build_manifest
from m2build.oci.media_types import DOCKER, OCI
from m2build.oci.reference import is_reference, parse_reference
from m2build.oci.shapes import SAVED
from m2build.oci.strict_json import LARGEST_DOCUMENT, parse_json
from m2build.places.archive import Archive, write_archive
from m2build.places.files import Files
from m2build.progress import Progress

_HEX = re.compile("[0-9a-f]{64}")
_PIECE = 1 << 20


@dataclass(frozen=True)
class _NamedBlobs:
    """Blobs under their names in the archive."""

    files: Files
    names: Mapping[Digest, str]

    def open(self, descriptor: Descriptor) -> BinaryIO:
        name = self.names.get(descriptor.digest)
        if name is None:
            raise ContentError(f"the archive has no blob {descriptor.digest}")
        return self.files.open(name)


def read_docker_archive(files: Files, reference: str | None, where: str) -> FoundImage:
    """One image of an archive: the one of that name, or the only one.

    Raises:
        ContentError: something is missing, truncated or malformed.
        UsageError: no image has that name, or several have none to choose by.
    """
    entry = _choose(_document(files, where), reference, where)
    config_name, layer_names = entry.get("Config"), entry.get("Layers")
    if not isinstance(config_name, str) or not isinstance(layer_names, list):
        raise ContentError(f"{where}: manifest.json names no config or no layers")
    config = _config(files, config_name)
    config.check(layers=len(layer_names))
    found = [_layer(files, str(name), diff_id) for name, diff_id in zip(layer_names, config.diff_ids, strict=True)]
    # Docker's own media types have none for zstd, which `docker save` writes where the image was stored so.
    types = OCI if any(compression == "zstd" for compression, _, _ in found) else DOCKER
    layers = [Descriptor(types.layer_of(compression), digest, size) for compression, digest, size in found]
    manifest = build_manifest(types, Descriptor.of(types.config, config.raw), layers, {})
    names = {layer.digest: str(name) for layer, name in zip(layers, layer_names, strict=True)}
    name = _full(reference) if reference else next(iter(_names(entry)), None)
    image = Image(manifest, config, _NamedBlobs(files, names), has_own_digests=False)
    return FoundImage(image, manifest.digest, name)


def _document(files: Files, where: str) -> list[JsonObject]:
    with files.open("manifest.json") as file, located(where):
        document = parse_json(file.read(LARGEST_DOCUMENT + 1), "manifest.json", SAVED)
    if not isinstance(document, list) or not all(isinstance(entry, dict) for entry in document):
        raise ContentError(f"{where}: manifest.json is not a list of images")
    return document


def _choose(entries: list[JsonObject], reference: str | None, where: str) -> JsonObject:
    found = [entry for entry in entries if reference is None or _full(reference) in _names(entry)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(name for entry in entries for name in _names(entry))
    problem = f"has no image {reference!r}" if reference else f"holds {len(entries)} images"
    raise UsageError(f"{where} {problem}", hint=f"name one after a colon: {known}" if known else None)


def _names(entry: JsonObject) -> list[str]:
    """The full references of an image; docker leaves docker.io and library/ out.

    What is not a reference counts as no name: some tools write `<none>:<none>` for an image without one.
    """
    tags = entry.get("RepoTags")
    return [_full(tag) for tag in tags if isinstance(tag, str) and is_reference(tag)] if isinstance(tags, list) else []


def _full(reference: str) -> str:
    return str(parse_reference(reference))


def _config(files: Files, name: str) -> ImageConfig:
    """The config, checked against its name if that is a digest."""
    with files.open(name) as file:
        config = ImageConfig(file.read(LARGEST_DOCUMENT + 1))
    named = PurePosixPath(name).name.removesuffix(".json")
    if _HEX.fullmatch(named) and Digest.of(config.raw).hex != named:
        raise ContentError(f"the config {name} is altered: its digest is {Digest.of(config.raw)}")
    return config


def _layer(files: Files, name: str, diff_id: Digest) -> tuple[str, Digest, int]:
    """A layer's compression, digest and size; a plain tar's digest is its diff_id, a compressed one is hashed."""
    with files.open(name) as file:
        start = file.read(MAGIC)
        compression = compression_of(start)
        if not compression:
            return compression, diff_id, files.size(name)
        hasher = hashlib.sha256(start)
        while chunk := file.read(_PIECE):
            hasher.update(chunk)
    return compression, Digest("sha256", hasher.hexdigest()), files.size(name)


def write_docker_archive(image: Image, path: Path, reference: str, *, replace: bool, progress: Progress) -> None:
    """Write an archive with one image under one name, unless it exists; the same image gives the same bytes.

    Layers are written uncompressed, as `docker save` does: crane assumes the first layer's compression for all.

    Raises:
        UsageError: another file exists and `replace` is not set.
        ContentError: one of the image's blobs is not what it should be.
        StorageError: it cannot be written; nothing is left behind.
    """
    layers = dict(zip(image.config.diff_ids, image.manifest.layers, strict=True))
    config_name = f"{image.manifest.config.digest.hex}.json"
    names = [f"{diff_id.hex}.tar" for diff_id in image.config.diff_ids]
    document = [{"Config": config_name, "RepoTags": [reference], "Layers": names}]

    def fill(archive: Archive) -> None:
        archive.add("manifest.json", json.dumps(document, separators=(",", ":")).encode())
        archive.add(config_name, image.config.raw)
        for diff_id, layer in layers.items():
            progress.step(f"writing layer {diff_id.hex[:12]}")
            if layer.digest == diff_id:
                archive.add_blob(f"{diff_id.hex}.tar", image.blobs, layer, progress)
            else:
                archive.add_layer(f"{diff_id.hex}.tar", diff_id, partial(open_layer, image, layer, diff_id))

    write_archive(path, fill, replace=replace, progress=progress)
