"""Reading and writing images at places of every kind; a kind's own modules are imported when it is met."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from m2build.errors import UsageError
from m2build.oci.found import FoundImage, located
from m2build.oci.image import Image
from m2build.places.place import ARCHIVES, Place, PlaceKind
from m2build.progress import WORTH_SAYING, Progress, Silent, amount

if TYPE_CHECKING:
    from m2build.registry.access import Access


def read_image(
    place: Place, platform: str, access: Access | None = None, *, progress: Progress | None = None
) -> FoundImage:
    """The image at a place.

    Args:
        place: where it is.
        platform: `os/architecture[/variant]`.
        access: how registries are reached; None for other places.
        progress: receives what is copied from an engine's store; or None.

    Raises:
        UsageError: the place does not exist, or does not have the image.
        ContentError: something is missing, truncated, altered or malformed.
        TransportError: a registry cannot be read.
        EngineError: a container engine cannot save its image.
        StorageError: a file cannot be read.
    """
    with located(place.location):
        return find_image(place, platform, access, progress=progress).checked(platform, str(place))


def find_image(
    place: Place, platform: str, access: Access | None = None, *, progress: Progress | None = None
) -> FoundImage:
    """What `read_image` gives, even if its config is for another platform, or has other layers than its manifest.

    Raises:
        UsageError: the place does not exist, or does not have the image.
        ContentError: something is missing, truncated, altered or malformed.
        TransportError: a registry cannot be read.
        EngineError: a container engine cannot save its image.
        StorageError: a file cannot be read.
    """
    with located(place.location):
        match place.kind:
            case PlaceKind.OCI | PlaceKind.OCI_ARCHIVE | PlaceKind.DOCKER_ARCHIVE:
                stored = _read_files(place, platform)
            case PlaceKind.REGISTRY if access is not None:
                from m2build.oci.reference import parse_reference
                from m2build.registry.pull import read_remote

                stored = read_remote(parse_reference(place.location), platform, access)
            case PlaceKind.DOCKER_DAEMON | PlaceKind.CONTAINERS_STORAGE:
                from m2build.places.engine_store import find_local_image

                stored = find_local_image(place).save(progress or Silent())
            case _:
                raise UsageError(
                    f"{place} is not the place of an image",
                    hint="name an image in a registry, a layout, an archive or an engine",
                )
        return _pinned(stored, place)


def _read_files(place: Place, platform: str) -> FoundImage:
    from m2build.places.docker_archive import read_docker_archive
    from m2build.places.files import ArchiveFiles, FolderFiles
    from m2build.places.layout import read_layout

    path, where = Path(place.location), str(place)
    if place.kind is PlaceKind.DOCKER_ARCHIVE:
        return read_docker_archive(ArchiveFiles(path), place.tag, where)
    files = FolderFiles(path) if place.kind is PlaceKind.OCI else ArchiveFiles(path)
    return read_layout(files, place.tag, platform, where)


def _pinned(stored: FoundImage, place: Place) -> FoundImage:
    """The image, if it has the digest that the place names; a Docker archive has the config's only."""
    digests = {str(stored.digest), str(stored.image.manifest.digest), str(stored.image.manifest.config.digest)}
    if place.digest is not None and place.digest not in digests:
        raise UsageError(f"{place} is now another image: {stored.digest}", hint="leave out @sha256:… to use that one")
    return stored


def write_image(image: Image, place: Place, *, tag: str, reference: str, replace: bool, progress: Progress) -> None:
    """Write an image to a place.

    Args:
        image: the image.
        place: where to.
        tag: its tag in a layout, unless the place has one.
        reference: its name in a Docker archive, unless the place has one.
        replace: whether another file or image there may be replaced.
        progress: receives what moves.

    Raises:
        UsageError: the place is of a kind that cannot be written, or holds something else and `replace` is not set.
        ContentError: one of the image's blobs is not what it should be.
        StorageError: it cannot be written; nothing is left half-written.
    """
    from m2build.local.targets import output_path
    from m2build.places.docker_archive import write_docker_archive
    from m2build.places.layout import write_layout
    from m2build.places.oci_archive import write_oci_archive

    total = sum(layer.size for layer in image.manifest.layers)
    if total >= WORTH_SAYING:
        progress.step(f"writing {place}: {amount(total)} in {len(image.manifest.layers)} layers")
    path = output_path(place.location) if place.kind in ARCHIVES else Path(place.location)
    match place.kind:
        case PlaceKind.OCI:
            write_layout(image, path, place.tag or tag, replace=replace, progress=progress)
        case PlaceKind.OCI_ARCHIVE:
            write_oci_archive(image, path, place.tag or tag, replace=replace, progress=progress)
        case PlaceKind.DOCKER_ARCHIVE:
            write_docker_archive(image, path, place.tag or reference, replace=replace, progress=progress)
        case _:
            raise UsageError(
                f"images cannot be written to {place}",
                hint="write oci:DIR, oci-archive:FILE or docker-archive:FILE",
            )
