"""Source trees from any place: folders, wheels, releases, and the layers of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from m2build.patches.sources import from_directory, from_wheel
from m2build.places.place import SOURCES, Place, PlaceKind

if TYPE_CHECKING:
    from m2build.patches.tree import SourceTree
    from m2build.progress import Progress
    from m2build.registry.access import Access


def open_source(
    place: Place, *, source_root: str, platform: str, progress: Progress, access: Access | None = None
) -> SourceTree:
    """The sources at a place; in an image, those below `source_root`.

    Raises:
        UsageError: the place does not exist.
        PatchError: the image has no such folder.
        ContentError: an archive is truncated, altered or malformed.
        TransportError: a release or an image cannot be fetched.
        EngineError: a container engine cannot copy its image's files.
        StorageError: a file cannot be read.
    """
    if place.kind in SOURCES:
        return open_files(place)
    from m2build.base.image_sources import open_image  # images and their layers take their time to be imported

    return open_image(place, source_root, platform, progress, access)


def open_files(place: Place) -> SourceTree:
    """The sources in a folder, a wheel or a release."""
    if place.kind is PlaceKind.DIRECTORY:
        return from_directory(Path(place.location))
    if place.kind is PlaceKind.PYPI:
        from m2build.patches.pypi import fetch_wheel  # it needs another program

        return from_wheel(fetch_wheel(place.location))
    return from_wheel(Path(place.location))
