"""OCI image layouts (OCI image specification, image-layout.md), in a directory or in an archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from m2build.errors import ContentError, UsageError
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Image, VerifiedReader, read_blob
from m2build.oci.manifest import Index, canonical, parse_manifest, parse_object
from m2build.oci.media_types import OCI
from m2build.oci.reference import is_reference
from m2build.patches.atomic import atomic_file, atomic_folder
from m2build.progress import Progress
from m2build.stores.files import Files
from m2build.stores.stored import StoredImage, storage
from m2build.stores.transfer import copy_blob

REF_NAME = "org.opencontainers.image.ref.name"
_IMAGE_NAME = "io.containerd.image.name"
_MARKER = canonical({"imageLayoutVersion": "1.0.0"})
_INDEX_LIMIT = 16 << 20


def blob_path(descriptor: Descriptor) -> str:
    """Where a blob stands in a layout."""
    return f"blobs/{descriptor.digest.algorithm}/{descriptor.digest.hex}"


@dataclass(frozen=True)
class LayoutBlobs:
    """The blobs of a layout."""

    files: Files

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of the blob's bytes."""
        return self.files.open(blob_path(descriptor))


def read_layout(files: Files, tag: str | None, platform: str, where: str) -> StoredImage:
    """One image of a layout: the one that is tagged so, or the only one.

    Raises:
        ContentError: something is missing, truncated, altered or malformed.
        UsageError: no image has that tag, several have none to choose by, or none is for the platform.
    """
    entries = _entries(files, where)
    entry = _choose(entries, tag, where)
    blobs = LayoutBlobs(files)
    manifest = parse_manifest(read_blob(blobs, entry), entry.media_type)
    while isinstance(manifest, Index):
        child = manifest.for_platform(platform)
        manifest = parse_manifest(read_blob(blobs, child), child.media_type)
    config = ImageConfig(read_blob(blobs, manifest.config))
    if len(config.diff_ids) != len(manifest.layers):
        raise ContentError(
            f"{where}: the config names {len(config.diff_ids)} layers, the manifest {len(manifest.layers)}"
        )
    names = (entry.annotations.get(key) for key in (_IMAGE_NAME, REF_NAME))
    name = next((str(name) for name in names if isinstance(name, str) and is_reference(name)), None)
    return StoredImage(Image(manifest, config, blobs), entry.digest, name)


def _entries(files: Files, where: str) -> list[Descriptor]:
    with files.open("oci-layout") as file:
        marker = parse_object(file.read(_INDEX_LIMIT), "oci-layout file")
    if marker.get("imageLayoutVersion") != "1.0.0":
        raise ContentError(f"{where} is an OCI layout of another version: {marker.get('imageLayoutVersion')!r}")
    with files.open("index.json") as file:
        index = parse_manifest(file.read(_INDEX_LIMIT), OCI.index)
    if not isinstance(index, Index):
        raise ContentError(f"{where}: index.json is not an index")
    return list(index.manifests)


def _choose(entries: list[Descriptor], tag: str | None, where: str) -> Descriptor:
    found = [entry for entry in entries if tag is None or entry.annotations.get(REF_NAME) == tag]
    if len(found) == 1:
        return found[0]
    tags = sorted(str(name) for entry in entries if (name := entry.annotations.get(REF_NAME)))
    problem = f"has no image {tag!r}" if tag else f"holds {len(entries)} images"
    raise UsageError(f"{where} {problem}", hint=f"name one after a colon: {', '.join(tags)}" if tags else None)


def write_layout(image: Image, folder: Path, tag: str, *, replace: bool, progress: Progress) -> None:
    """Put an image into a layout: a new one, which appears whole, or an existing one, whose index changes last.

    Raises:
        UsageError: the folder is something else, or the tag names another image and `replace` is not set.
        ContentError: one of the image's blobs is not what it should be.
        StorageError: something cannot be written; a new folder is not there then, an old one is as it was.
    """
    with storage(folder, "written"):
        if folder.is_dir() and (folder / "oci-layout").is_file():
            _add(image, folder, tag, replace=replace, progress=progress)
            return
        if folder.is_symlink() or folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
            raise UsageError(f"{folder} exists and is not an OCI layout", hint="name a new folder after oci:")
        with atomic_folder(folder) as staging:
            (staging / "oci-layout").write_bytes(_MARKER)
            (staging / "index.json").write_bytes(_index([], image, tag))
            _write_blobs(image, staging, progress)


def _add(image: Image, folder: Path, tag: str, *, replace: bool, progress: Progress) -> None:
    try:
        entries = parse_object((folder / "index.json").read_bytes(), "index").get("manifests")
    except FileNotFoundError as error:
        raise ContentError(f"{folder} is an OCI layout without an index.json") from error
    others = []
    for entry in entries if isinstance(entries, list) else []:
        descriptor = Descriptor.parse(entry)
        if descriptor.annotations.get(REF_NAME) != tag:
            others.append(entry)
        elif descriptor.digest != image.manifest.digest and not replace:
            raise UsageError(
                f"{folder} already has an image {tag!r}, another one: {descriptor.digest}",
                hint="name another tag after a second colon, or move this one with --replace",
            )
    _write_blobs(image, folder, progress)
    with atomic_file(folder / "index.json") as out:
        out.write(_index(others, image, tag))


def _index(others: list[object], image: Image, tag: str) -> bytes:
    entry = image.manifest.descriptor.to_json() | {"annotations": {REF_NAME: tag}}
    return canonical({"schemaVersion": 2, "mediaType": OCI.index, "manifests": [*others, entry]})


def layout_files(image: Image, tag: str) -> Iterator[tuple[str, bytes]]:
    """The small files of a layout with one image."""
    yield "oci-layout", _MARKER
    yield "index.json", _index([], image, tag)
    yield blob_path(image.manifest.descriptor), image.manifest.raw
    yield blob_path(image.manifest.config), image.config.raw


def _write_blobs(image: Image, folder: Path, progress: Progress) -> None:
    for layer in dict.fromkeys(image.manifest.layers):
        path = folder / blob_path(layer)
        if not _holds(path, layer):
            with atomic_file(path) as out:
                copy_blob(image.blobs, layer, out, progress)
    for descriptor, data in (
        (image.manifest.config, image.config.raw),
        (image.manifest.descriptor, image.manifest.raw),
    ):
        with atomic_file(folder / blob_path(descriptor)) as out:
            out.write(data)


def _holds(path: Path, descriptor: Descriptor) -> bool:
    """Whether a blob is there already, to the byte."""
    try:
        if path.stat().st_size != descriptor.size:
            return False
        with path.open("rb") as file:
            VerifiedReader(file, descriptor.digest, descriptor.size).drain()
    except (FileNotFoundError, ContentError):
        return False
    return True
