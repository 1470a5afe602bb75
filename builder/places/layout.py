"""OCI image layouts (OCI image specification, image-layout.md), in a directory or in an archive."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from m2build.errors import ContentError, UsageError
from m2build.local.atomic import atomic_folder
from m2build.local.durable import sync_folder
from m2build.local.failures import storage
from m2build.local.outputs import output_file
from m2build.local.temporary import remove_leftovers
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor, JsonObject
from m2build.oci.found import FoundImage
from m2build.oci.image import Image, VerifiedReader, read_blob
from m2build.oci.manifest import Index, canonical, parse_manifest
from m2build.oci.media_types import OCI
from m2build.oci.reference import is_full_reference
from m2build.oci.selecting import Shelf
from m2build.oci.shapes import LAYOUT, MANIFEST
from m2build.oci.strict_json import LARGEST_DOCUMENT, parse_object
from m2build.places.files import Files
from m2build.places.transfer import put_blob
from m2build.progress import Progress

REF_NAME = "org.opencontainers.image.ref.name"
_IMAGE_NAME = "io.containerd.image.name"
_MARKER = canonical({"imageLayoutVersion": "1.0.0"})


def blob_path(descriptor: Descriptor) -> str:
    """The path of a blob in a layout."""
    return f"blobs/{descriptor.digest.algorithm}/{descriptor.digest.hex}"


@dataclass(frozen=True)
class LayoutBlobs:
    """The blobs of a layout."""

    files: Files

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of the blob's bytes."""
        return self.files.open(blob_path(descriptor))


def read_layout(files: Files, tag: str | None, platform: str, where: str) -> FoundImage:
    """One image of a layout: the one with the tag, or the only one.

    Raises:
        ContentError: something is missing, truncated, altered or malformed.
        UsageError: no image has that tag, none is given for several images, or none is for the platform.
    """
    blobs = LayoutBlobs(files)
    shelf = Shelf(partial(read_blob, blobs), blobs)
    entries = _choose(layout_entries(files, where), tag, where)
    if len(entries) == 1:
        manifest, digest = shelf.manifest(entries[0], platform), entries[0].digest
    else:
        manifest = shelf.choose(Index(entries), platform)
        digest = manifest.digest
    config = ImageConfig(read_blob(blobs, manifest.config))
    names = (entries[0].annotations.get(key) for key in (_IMAGE_NAME, REF_NAME))
    name = next((name for name in names if isinstance(name, str) and is_full_reference(name)), None)
    return FoundImage(Image(manifest, config, blobs), digest, name)


def layout_entries(files: Files, where: str) -> list[Descriptor]:
    """The entries of a layout's index: images, and what refers to them.

    Raises:
        ContentError: it is not a layout of a known version.
    """
    with files.open("oci-layout") as file:
        marker = parse_object(file.read(LARGEST_DOCUMENT + 1), "oci-layout file", LAYOUT)
    if marker.get("imageLayoutVersion") != "1.0.0":
        raise ContentError(f"{where} is an OCI layout of version {marker.get('imageLayoutVersion')!r}, and not '1.0.0'")
    with files.open("index.json") as file:
        index = parse_manifest(file.read(LARGEST_DOCUMENT + 1), OCI.index)
    if not isinstance(index, Index):
        raise ContentError(f"{where}: index.json is not an index")
    return list(index.manifests)


def _choose(entries: list[Descriptor], tag: str | None, where: str) -> tuple[Descriptor, ...]:
    """The wanted entry, or the entries of one image for several platforms, which have the same tag or none."""
    images = [entry for entry in entries if "artifactType" not in entry.more]  # the others refer to one of them
    found = tuple(dict.fromkeys(entry for entry in images if tag is None or entry.annotations.get(REF_NAME) == tag))
    names = {entry.annotations.get(REF_NAME) for entry in found}
    platforms = [entry.platform for entry in found if entry.platform]
    if len(found) == 1 or (len(names) == 1 and len(set(platforms)) == len(platforms)):
        return found
    tags = sorted({str(name) for entry in images if (name := entry.annotations.get(REF_NAME))})
    problem = f"has no image {tag!r}" if tag and not found else f"holds {len(found)} images {tag or ''}".rstrip()
    raise UsageError(f"{where} {problem}", hint=f"name one after a colon: {', '.join(tags)}" if tags else None)


def write_layout(image: Image, folder: Path, tag: str, *, replace: bool, progress: Progress) -> None:
    """Add an image to a layout: a new one, which appears complete, or an existing one, whose index changes last.

    Several processes may write to one layout, one after the other. If several make a new one, the first wins and the
    others add to it.

    Raises:
        UsageError: the folder is not a layout, or the tag names another image and `replace` is not set.
        ContentError: one of the image's blobs is not what it should be.
        StorageError: something cannot be written; a new folder is not made then, an existing one is unchanged.
    """
    with storage(folder, "written"):
        target = Path(os.path.realpath(folder))
        for place in (None, target.parent, target, *target.glob("blobs/*")):
            remove_leftovers(place)
        if _is_free(target) and _made(image, target, tag, progress):
            return
        if not (target / "oci-layout").is_file():
            raise UsageError(f"{folder} exists already, and is not an OCI layout", hint="name a new folder after oci:")
        with turn_at(target), _all_or_nothing() as new:
            _add(image, target, tag, new, replace=replace, progress=progress)


def _is_free(folder: Path) -> bool:
    return not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir()))


def _made(image: Image, folder: Path, tag: str, progress: Progress) -> bool:
    """Make a new layout; False if another process made it first."""
    try:
        with atomic_folder(folder) as staging:
            for name, data in layout_files(image, tag).items():
                (staging / name).write_bytes(data)
            _write_blobs(image, staging, [], progress)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


@contextmanager
def turn_at(folder: Path) -> Iterator[None]:
    """Lock the layout for writing; the lock ends with the process, even if it is killed."""
    with (folder / "oci-layout").open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _all_or_nothing() -> Iterator[list[Path]]:
    """A list of added files, which are removed on any failure."""
    added: list[Path] = []
    try:
        yield added
    except BaseException:
        for path in added:
            path.unlink(missing_ok=True)
        raise


def _add(image: Image, folder: Path, tag: str, new: list[Path], *, replace: bool, progress: Progress) -> None:
    try:
        before = (folder / "index.json").read_bytes()
        index = parse_object(before, "index", MANIFEST)
    except FileNotFoundError as error:
        raise ContentError(f"{folder} is an OCI layout without an index.json") from error
    own, manifests = _entry(image, tag), list[object]()
    for entry in entries if isinstance(entries := index.get("manifests"), list) else []:
        descriptor = Descriptor.parse(entry)
        if descriptor.annotations.get(REF_NAME) != tag:
            manifests.append(entry)
        elif descriptor.digest != image.manifest.digest and not replace:
            raise UsageError(
                f"{folder} already has a different image {tag!r}: {descriptor.digest}",
                hint="name another tag after a second colon, or move this one with --replace",
            )
        elif own not in manifests:
            manifests.append(own)
    if own not in manifests:
        manifests.append(own)
    _write_blobs(image, folder, new, progress)
    for parent in {path.parent for path in new}:
        sync_folder(parent)
    after = canonical(index | {"manifests": manifests})
    if after != before:
        with output_file(folder / "index.json") as out:
            out.write(after)


def _entry(image: Image, tag: str) -> JsonObject:
    """The entry of an image in an index."""
    return image.manifest.descriptor.to_json() | {"annotations": {REF_NAME: tag}}


def layout_files(image: Image, tag: str) -> dict[str, bytes]:
    """The files of a layout with one image, without its blobs."""
    index = {"schemaVersion": 2, "mediaType": OCI.index, "manifests": [_entry(image, tag)]}
    return {"oci-layout": _MARKER, "index.json": canonical(index)}


def layout_blobs(image: Image) -> tuple[Descriptor, ...]:
    """The blobs of an image in a layout, each once, the manifest last; of a thin image without the absent layers."""
    layers = (layer for layer in image.manifest.layers if layer.digest not in image.absent)
    return tuple(dict.fromkeys((*layers, image.manifest.config, image.manifest.descriptor)))


def _write_blobs(image: Image, folder: Path, new: list[Path], progress: Progress) -> None:
    """Write the missing blobs, and note them in `new`."""
    for descriptor in layout_blobs(image):
        path = folder / blob_path(descriptor)
        if not holds(path, descriptor):
            if not path.exists():
                new.append(path)
            put_blob(image.everything, descriptor, path, progress)


def holds(path: Path, descriptor: Descriptor) -> bool:
    """Whether a file holds exactly the blob."""
    try:
        if path.stat().st_size != descriptor.size:
            return False
        with path.open("rb") as file:
            VerifiedReader(file, descriptor.digest, descriptor.size).drain()
    except (FileNotFoundError, ContentError):
        return False
    return True
