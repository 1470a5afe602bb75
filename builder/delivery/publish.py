"""Publish an existing image: a thin one is completed, any other stays unchanged."""

from __future__ import annotations

from dataclasses import replace

from m2build.base.thin import base_name, completed
from m2build.delivery.copying import Lacking
from m2build.delivery.delivered import Delivery
from m2build.delivery.destination import Destination, mountable_from
from m2build.delivery.publishing import Publishing
from m2build.engines.model import Built
from m2build.errors import UsageError
from m2build.labels import PROFILE
from m2build.oci.image import Image
from m2build.oci.reference import parse_reference
from m2build.places.place import ENGINE_STORES, Place, PlaceKind
from m2build.places.transports import read_image
from m2build.progress import Progress
from m2build.registry.access import Access
from m2build.registry.push import push_image
from m2build.registry.target import Repository, check_push, tag_digest

_SLOW = frozenset({PlaceKind.REGISTRY, *ENGINE_STORES})
"""Places that take time to read, so that the target is checked first; elsewhere, a wrong path is reported first."""


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
    target = parse_reference(name)
    if target.digest is not None:
        raise UsageError(f"{name!r} names a digest, which the image has already", hint="leave out @sha256:…")
    if place.kind in _SLOW:
        check_push(access.push(target))
    found = read_image(place, platform, access, progress=progress).image
    if place.kind not in _SLOW:
        check_push(access.push(target))
    whole = completed(found, base, platform, access)
    origin = _origin(found, base)
    mount_from = mountable_from(name, origin) if origin else None
    tag = target.tag or found.config.labels.get(PROFILE, "latest")
    target = replace(target, tag=tag)
    before = tag_digest(access.push(target), tag)
    publishing.tag_policy.check(str(target), before, whole.manifest.digest)
    repository = Repository(access.push(target, [mount_from] if mount_from else []), mount_from)
    lacking = Lacking()
    lacking.add(name, repository.lacking(whole.manifest.layers), mount_from)
    lacking.check(publishing, progress)
    sent = push_image(
        whole, target, access, progress,
        mount_from=mount_from, policy=publishing.tag_policy, known=frozenset(repository.found),
    )  # fmt: skip
    mounted = len(repository.mounted)
    transfer = replace(sent, existing=sent.existing - mounted, mounted=sent.mounted + mounted)
    bare = name.removesuffix(f":{tag}")
    to = Destination(Place(PlaceKind.REGISTRY, f"{bare}:{tag}"), bare, tag)
    digest = found.manifest.digest
    built = Built(found.manifest.config.digest, digest, image=whole, transfer=transfer)
    return Delivery(to, "embedded", built, None, before, digest)


def _origin(image: Image, base: Place | None) -> str | None:
    """The name in a registry of what an image was derived from, if it has one."""
    if base and base.kind is PlaceKind.REGISTRY:
        return base.location
    name = base_name(image)
    return str(name) if name else None
