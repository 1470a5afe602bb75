"""Thin images: the new blobs, and a manifest that names the base's layers, which stay in their registry.

They hand on an image without a registry and without 20 GB: kilobytes that define the image exactly, and that can be
completed wherever the base can be reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from m2build.base.elsewhere import pulled
from m2build.errors import ContentError, UsageError
from m2build.labels import OCI, OWN
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Blobs, Image
from m2build.oci.reference import Reference, parse_reference
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image

if TYPE_CHECKING:
    from m2build.registry.access import Access


def base_name(image: Image) -> Reference | None:
    """The name of a derived image's base, by digest, from its labels; None if they have none."""
    labels = image.config.labels
    name, digest = labels.get(f"{OCI}base.name"), labels.get(f"{OWN}base.manifest")
    return parse_reference(f"{name}@{digest}") if name and digest else None


def completed(image: Image, base: Place | None, platform: str, access: Access | None) -> Image:
    """The image with the layers that it leaves out, if any; they are read from its base when they are needed.

    Args:
        image: the image.
        base: where its base is; None for the place in its labels.
        platform: `os/architecture[/variant]`.
        access: how registries are reached.

    Raises:
        UsageError: layers are missing, and its labels do not name its base.
        ContentError: the base lacks some of them.
        TransportError: the base cannot be fetched.
    """
    missing = missing_layers(image)
    if not missing:
        return image
    if base is None:
        name = base_name(image)
        if name is None:
            raise UsageError("layers are missing, and the image's labels do not name its base", hint="add --base PLACE")
        base = Place(PlaceKind.REGISTRY, str(name))
    with pulled(base):
        found = read_image(base, platform, access).image
    lacking = missing - {layer.digest for layer in found.manifest.layers}
    if lacking:
        raise ContentError(
            f"{base} does not have the missing layer {min(lacking)}",
            hint="name the image's own base with --base PLACE",
        )
    return replace(image, blobs=EitherBlobs(missing, found.blobs, image.blobs))


def missing_layers(image: Image) -> frozenset[Digest]:
    """The layers that are not where the image is."""
    return frozenset(_missing(image))


def _missing(image: Image) -> Iterator[Digest]:
    for layer in image.manifest.layers:
        try:
            image.blobs.open(layer).close()
        except ContentError:
            yield layer.digest


@dataclass(frozen=True)
class EitherBlobs:
    """Blobs of which some are elsewhere.

    Attributes:
        missing: those that are elsewhere.
        elsewhere: where they are.
        here: where the others are.
    """

    missing: frozenset[Digest]
    elsewhere: Blobs
    here: Blobs

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of the blob's bytes."""
        return (self.elsewhere if descriptor.digest in self.missing else self.here).open(descriptor)
