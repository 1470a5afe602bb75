"""Where one image goes, and what it is called there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from m2build.local.targets import output_path
from m2build.oci.digest import Digest
from m2build.oci.reference import parse_reference
from m2build.places.place import ARCHIVES, ENGINE_STORES, Place, PlaceKind

if TYPE_CHECKING:
    from m2build.recipes.model import Selection

NAMED = frozenset({*ENGINE_STORES, PlaceKind.REGISTRY})
"""The kinds of places that are names."""


@dataclass(frozen=True)
class Destination:
    """Where one image goes, and what it is called there.

    Attributes:
        place: the place.
        name: what it is called, without a tag.
        tag: the tag.
    """

    place: Place
    name: str
    tag: str

    @property
    def reference(self) -> str:
        """Name and tag."""
        return f"{self.name}:{self.tag}"

    @property
    def stored(self) -> Place:
        """The place of this one image: in a layout with its tag, in an archive with its name."""
        is_tagged = self.place.kind in (PlaceKind.OCI, PlaceKind.OCI_ARCHIVE) and not self.place.tag
        if is_tagged:
            return replace(self.place, tag=self.tag)
        is_named = self.place.kind is PlaceKind.DOCKER_ARCHIVE and not self.place.tag
        return replace(self.place, tag=self.reference) if is_named else self.place

    @property
    def archive(self) -> Path | None:
        """The file of an archive; None for any other place."""
        return output_path(self.place.location) if self.place.kind in ARCHIVES else None

    @property
    def layout(self) -> Path | None:
        """The folder of a layout; None for any other place."""
        return Path(self.place.location) if self.place.kind is PlaceKind.OCI else None

    def published(self, digest: Digest | None, image_id: Digest) -> str:
        """What is printed for a delivered image, to refer to it by.

        In a registry or an engine it is `NAME@DIGEST`, or the id if an engine keeps the image without a digest.
        Elsewhere it is the place with the digest; a Docker archive keeps only the config's.
        """
        if self.place.kind in NAMED:
            return f"{self.name}@{digest}" if digest else str(image_id)
        is_kept = digest and self.place.kind is not PlaceKind.DOCKER_ARCHIVE
        return str(replace(self.stored, digest=str(digest if is_kept else image_id)))

    @property
    def slot(self) -> tuple[Place, str]:
        """What two images cannot share: a file, a name, or a tag in a layout."""
        return self.place, self.tag if self.place.kind is PlaceKind.OCI and not self.place.tag else ""


def default_reference(selection: Selection) -> str:
    """What an image is called without another name.

    >>> from m2build.recipes.load import load_recipe
    >>> default_reference(load_recipe("minimax-m2").select(tp=8))
    'm2build/minimax-m2.1:tp8'
    """
    return f"m2build/{selection.model_id}:{selection.profile_id}"


def mountable_from(target: str, *others: str) -> str | None:
    """The first repository whose layers the target's registry can mount: only within one registry; else None.

    Args:
        target: the name of the image to write.
        others: names of images that have its layers, the base's first.
    """
    registry = parse_reference(target).registry
    found = (parse_reference(other) for other in others)
    return next((other.repository for other in found if other.registry == registry), None)
