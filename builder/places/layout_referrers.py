"""What refers to an image in a layout: listed in its index.json, without a tag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from m2build.errors import ContentError, UsageError
from m2build.local.durable import sync_folder
from m2build.local.failures import storage
from m2build.local.outputs import output_file
from m2build.oci.artifact import Artifact, with_entries
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import MemoryBlobs, read_blob
from m2build.oci.manifest import canonical, describes_image
from m2build.oci.media_types import OCI
from m2build.oci.shapes import MANIFEST
from m2build.oci.strict_json import parse_object
from m2build.places.files import Files, FolderFiles
from m2build.places.layout import LayoutBlobs, blob_path, holds, layout_entries, turn_at
from m2build.places.transfer import put_blob
from m2build.progress import Progress


def attach_local(folder: Path, artifacts: Sequence[Artifact], progress: Progress) -> int:
    """Add artifacts to the layout of their subject; those that are there stay. Returns how many were added.

    Raises:
        UsageError: the folder is not a layout.
        StorageError: something cannot be written; the index is unchanged then.
    """
    with storage(folder, "written"):
        if not (folder / "oci-layout").is_file():
            raise UsageError(f"{folder} is not an OCI layout")
        with turn_at(folder):
            index = parse_object((folder / "index.json").read_bytes(), "index", MANIFEST)
            merged = with_entries(index, [artifact.entry for artifact in artifacts])
            for artifact in artifacts:
                _write_blobs(artifact, folder, progress)
            if merged is None:
                return 0
            for parent in folder.glob("blobs/*"):
                sync_folder(parent)
            with output_file(folder / "index.json") as out:
                out.write(canonical(merged))
    return len(_manifests(merged)) - len(_manifests(index))


def local_referrers(files: Files, subject: Digest, where: str) -> Iterator[Artifact]:
    """The artifacts of a layout, or of an archive with one, that refer to a manifest.

    Raises:
        ContentError: something is missing, altered or malformed.
    """
    blobs = LayoutBlobs(files)
    for entry in dict.fromkeys(layout_entries(files, where)):
        raw = read_blob(blobs, entry)
        artifact = None if describes_image(raw) else Artifact.read(raw, blobs)
        if artifact and artifact.subject.digest == subject:
            yield artifact


def _write_blobs(artifact: Artifact, folder: Path, progress: Progress) -> None:
    manifest = artifact.manifest
    everything = MemoryBlobs({manifest.digest: manifest.raw}, artifact.blobs)
    for descriptor in (*artifact.parts, manifest.descriptor):
        path = folder / blob_path(descriptor)
        if not holds(path, descriptor):
            path.parent.mkdir(parents=True, exist_ok=True)
            put_blob(everything, descriptor, path, progress)


def _manifests(index: dict[str, object]) -> list[object]:
    found = index.get("manifests")
    if not isinstance(found, list):
        raise ContentError("index.json is not an index")
    return found


def describe_local(folder: Path, digest: Digest) -> Descriptor:
    """The descriptor of a manifest in a layout.

    Raises:
        ContentError: it is not there, or is altered.
    """
    files = FolderFiles(folder)
    size = files.size(blob_path(Descriptor("", digest, 0)))
    found = Descriptor("", digest, size)
    media_type = parse_object(read_blob(LayoutBlobs(files), found), "manifest", MANIFEST).get("mediaType")
    return Descriptor(str(media_type or OCI.manifest), digest, size)
