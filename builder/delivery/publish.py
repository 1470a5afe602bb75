"""Publish an existing image: a thin one is completed, any other stays unchanged."""

from __future__ import annotations

from dataclasses import replace

from m2build.base.thin import base_name, completed
from m2build.delivery.delivered import Delivery
from m2build.delivery.destination import Destination
from m2build.delivery.publishing import Publishing
from m2build.delivery.sending import registry_target, send
from m2build.engines.model import Built
from m2build.labels import PROFILE
from m2build.oci.image import Image
from m2build.places.place import ENGINE_STORES, Place, PlaceKind
from m2build.places.transports import read_image
from m2build.progress import Progress
from m2build.registry.access import Access
from m2build.registry.target import check_push

_SLOW = frozenset({PlaceKind.REGISTRY, *ENGINE_STORES})
"""Places that take time to read, so that the registry is asked first; elsewhere, a wrong path is reported first."""


def publish(
    place: Place,
    name: str,
    *,
    base: Place | None,
    platform: str,
    access: Access,
    progress: Progress,
    publishing: Publishing,
) -> Delivery:
    """Publish the image at a place in a registry.

    Args:
        place: where the image is.
        name: what to call it, `REGISTRY/NAME[:TAG]`; without a tag it gets its profile's name, or `latest`.
        base: where the layers are that the image leaves out; None for where its labels say.
        platform: `os/architecture[/variant]`, of an image for several.
        access: how registries are reached.
        progress: receives what moves.
        publishing: what is allowed in the registry.

    Raises:
        UsageError: the name holds a digest, there is no such image, or its base is unknown.
        ContentError: something is missing, truncated or altered.
        TransportError: a registry does not send or does not accept the image; its tag is unchanged.
        EngineError: a container engine does not export its image.
        TransferBudgetError: more would be copied than is allowed.
    """
    target = registry_target(name)
    if place.kind in _SLOW:
        check_push(access.push(target))
    found = read_image(place, platform, access, progress=progress).image
    if place.kind not in _SLOW:
        check_push(access.push(target))
    whole = completed(found, base, platform, access)
    tag = target.tag or found.config.labels.get(PROFILE, "latest")
    sent = send(
        whole,
        replace(target, tag=tag),
        origin=_origin(found, base),
        access=access,
        progress=progress,
        publishing=publishing,
    )
    bare = name.removesuffix(f":{tag}")
    to = Destination(Place(PlaceKind.REGISTRY, f"{bare}:{tag}"), bare, tag)
    digest = found.manifest.digest
    built = Built(found.manifest.config.digest, digest, image=whole, transfer=sent.transfer)
    return Delivery(to, "embedded", built, None, sent.before, digest)


def _origin(image: Image, base: Place | None) -> str | None:
    """The name in a registry of what an image was derived from, if it has one."""
    if base and base.kind is PlaceKind.REGISTRY:
        return base.location
    name = base_name(image)
    return str(name) if name else None
