"""A base's copy in another registry, for the day on which the base's own name does not exist any more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from m2build.base.model import Base
from m2build.oci.digest import Digest
from m2build.oci.reference import parse_reference
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image

if TYPE_CHECKING:
    from m2build.registry.access import Access


@dataclass(frozen=True)
class Mirror:
    """A copy of a base in another registry, of one platform.

    Attributes:
        name: the copy's name.
        digest: the digest of what the base's own name meant: of a manifest, or of an index, which is not copied.
        manifest: the digest of the base's manifest for the platform, by which the copy is read.
    """

    name: str
    digest: str
    manifest: str

    def base(self, place: Place, platform: str, access: Access | None) -> Base:
        """The base as the mirror has it, with its own name: images do not depend on where it was read.

        Args:
            place: where the base was.
            platform: `os/architecture[/variant]`.
            access: how registries are reached.

        Raises:
            TransportError: the mirror does not deliver it either.
            ContentError: something is truncated, altered or malformed.
        """
        copy = Place(PlaceKind.REGISTRY, f"{parse_reference(self.name).name}@{self.manifest}")
        name = str(parse_reference(place.location).without_digest)
        found = Base.of(read_image(copy, platform, access).image, Digest.parse(self.digest), name, place=copy)
        return replace(found, mirror=self.name, is_gone=True)

    def of(self, base: Base) -> Base:
        """A base that was read under its own name, with this mirror if it is a copy of it."""
        return replace(base, mirror=self.name) if str(base.manifest_digest) == self.manifest else base
