"""From a place to a base, pinned to a digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.base.model import Base
from m2build.base.sources import open_files
from m2build.base.stand_in import STAND_IN, stand_in_base
from m2build.errors import PatchError
from m2build.places import SOURCES, Place, PlaceKind
from m2build.stores.places import read_image

if TYPE_CHECKING:
    from m2build.registry.access import Access


def open_base(place: Place, *, source_root: str, platform: str, access: Access | None = None) -> Base:
    """The base at a place: an image, or a stand-in made of sources.

    Args:
        place: where it is.
        source_root: where a stand-in has its sources.
        platform: `os/architecture[/variant]`.
        access: how registries are reached; None where the place is in none.

    Raises:
        UsageError: there is no such place, or no image in it for the platform.
        PatchError: there are no sources in a folder or a wheel.
        ContentError: an archive is truncated, altered or malformed.
        TransportError: a release cannot be fetched, or a registry does not deliver.
        StorageError: a file cannot be read.
    """
    if place.kind in SOURCES:
        stand_in = str(place) if place.kind is PlaceKind.PYPI else str(place.kind)
        tree = open_files(place)
        if not tree:
            raise PatchError(f"{place} holds no files", hint="name the folder that the packages stand in")
        return stand_in_base(tree, source_root, platform, stand_in)
    stored = read_image(place, platform, access)
    return Base(stored.image, stored.digest, stored.name, stored.image.config.labels.get(STAND_IN))
