"""A base copied by digest into another registry, where the ones who publish it do not remove it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.delivery.publish import publish
from m2build.errors import BaseChangedError, UsageError
from m2build.oci.reference import parse_reference
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image

if TYPE_CHECKING:
    from m2build import printed
    from m2build.delivery.delivered import Delivery
    from m2build.delivery.publishing import Publishing
    from m2build.locking.model import Lock
    from m2build.oci.found import FoundImage
    from m2build.progress import Progress
    from m2build.registry.access import Access


@dataclass(frozen=True)
class Mirrored:
    """A base, and its copy.

    Attributes:
        base: the base, by the digest of its manifest.
        digest: the digest of what its name means: of a manifest, or of an index, which is not copied.
        delivery: the copy.
    """

    base: Place
    digest: str
    delivery: Delivery

    @property
    def name(self) -> str:
        """The copy's full name, with its tag."""
        return str(parse_reference(self.delivery.to.reference))

    def document(self) -> printed.Mirrored:
        """The copy as JSON."""
        moved = self.delivery.built.transfer
        return {
            "base": self.base.location,
            "digest": self.digest,
            "mirror": self.name,
            "reference": self.delivery.reference,
            "uploaded": moved.uploaded if moved else 0,
            "bytes": moved.bytes if moved else 0,
        }


def mirror_base(
    place: Place,
    name: str,
    *,
    lock: Lock | None,
    platform: str,
    access: Access,
    progress: Progress,
    publishing: Publishing,
) -> Mirrored:
    """Copy a base into another registry, manifest, config and layers unchanged; its digest stays what it is.

    What the other registry has already is not sent, so an interrupted copy goes on after the last complete layer.

    Args:
        place: the base, a name in a registry.
        name: what to call the copy, `REGISTRY/NAME[:TAG]`; without a tag it gets the base's, or one from its digest.
        lock: names the base, too; or None.
        platform: `os/architecture[/variant]`: of an index for several, the manifest for this one is copied.
        access: how registries are reached.
        progress: receives what moves.
        publishing: what is allowed in the other registry.

    Raises:
        UsageError: the base or the copy is no name in a registry, or the base has no image for the platform.
        BaseChangedError: the lock is of another base.
        TransportError: a registry does not deliver, or does not accept the copy; its tag is unchanged.
        ContentError: something is truncated, altered or malformed.
        TransferBudgetError: it is more than is allowed.
    """
    if place.kind is not PlaceKind.REGISTRY:
        raise UsageError(f"{place} is not a name in a registry", hint="`m2build push` publishes images of other places")
    found = read_image(place, platform, access)
    if lock is not None:
        _check(lock, place, found)
    own = parse_reference(place.location)
    base = Place(PlaceKind.REGISTRY, f"{own.without_digest}@{found.image.manifest.digest}")
    if parse_reference(name).tag is None:
        name = f"{name}:{own.tag or f'sha256-{found.image.manifest.digest.hex[:12]}'}"
    delivery = publish(
        base, name, base=base, platform=platform, access=access, progress=progress, publishing=publishing
    )
    return Mirrored(base, str(found.digest), delivery)


def _check(lock: Lock, place: Place, found: FoundImage) -> None:
    base = lock.base
    if (found.name, str(found.image.manifest.digest)) != (base.image, base.manifest):
        raise BaseChangedError(
            f"{place.location} is {found.name}, {found.image.manifest.digest}; locked: {base.image}, {base.manifest}",
            hint="name the lock's base, or bring the lock up to date: `m2build lock --update`",
        )
