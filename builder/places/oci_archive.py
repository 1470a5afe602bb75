"""`oci-archive:FILE`: an OCI layout in a tar archive."""

from __future__ import annotations

from pathlib import Path

from m2build.oci.image import Image
from m2build.places.archive import Archive, write_archive
from m2build.places.layout import blob_path, layout_blobs, layout_files
from m2build.progress import Progress


def write_oci_archive(image: Image, path: Path, tag: str, *, replace: bool, progress: Progress) -> None:
    """Write an archive with one image, unless it exists; the same image gives the same bytes.

    Raises:
        UsageError: another file exists and `replace` is not set.
        ContentError: one of the image's blobs is not what it should be.
        StorageError: it cannot be written; nothing is left behind.
    """

    def fill(archive: Archive) -> None:
        for name, data in layout_files(image, tag).items():
            archive.add(name, data)
        for descriptor in layout_blobs(image):
            archive.add_blob(blob_path(descriptor), image.everything, descriptor, progress)

    write_archive(path, fill, replace=replace, progress=progress)
