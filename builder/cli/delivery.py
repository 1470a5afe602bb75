"""Where a derived image goes, and under which name: decided before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.errors import UsageError
from m2build.oci.reference import parse_reference
from m2build.places import Place, PlaceKind, parse_place

if TYPE_CHECKING:
    from m2build.progress import Progress
    from m2build.registry.access import Access
    from m2build.registry.push import Transfer
    from m2build.result import Result

_WRITABLE = (PlaceKind.OCI, PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE, PlaceKind.REGISTRY)


@dataclass(frozen=True)
class Destination:
    """Where to, and what the image is called there.

    Attributes:
        place: where to; None to write nothing.
        name: what the image is called, without a tag.
        tag: the tag.
    """

    place: Place | None
    name: str
    tag: str


def destination(output: str | None, reference: str | None, *, push: bool, default: str) -> Destination:
    """What `--output`, `--tag` and `--push` mean.

    Args:
        output: a place, or None.
        reference: a name with or without a tag, or None.
        push: whether `reference` is a name in a registry, and the image goes there.
        default: the name and tag for what is left open.

    Raises:
        UsageError: they do not fit together, or the place cannot be written.
    """
    place = parse_place(output) if output else None
    if place and place.kind not in _WRITABLE:
        raise UsageError(
            f"images cannot be written to {place} yet",
            hint="write oci:DIR, oci-archive:FILE or docker-archive:FILE, or push to a registry: docker://NAME:TAG",
        )
    if push and (place or not reference):
        problem = "--push and --output exclude each other" if place else "say under which name to push the image"
        raise UsageError(problem, hint="as in -t REGISTRY/NAME:TAG --push")
    if place and place.kind is PlaceKind.REGISTRY:
        if reference:
            raise UsageError(f"{place} is a name already: leave out --tag", hint="or use -t REGISTRY/NAME:TAG --push")
        reference, push = place.location, True
    name, tag = _name_and_tag(reference, default)
    return Destination(Place(PlaceKind.REGISTRY, f"{name}:{tag}") if push else place, name, tag)


def _name_and_tag(reference: str | None, default: str) -> tuple[str, str]:
    name, _, tag = default.rpartition(":")
    if reference is None:
        return name, tag
    parsed = parse_reference(reference)
    if parsed.digest is not None:
        raise UsageError(f"{reference!r} names a digest, which only the build can tell", hint="leave out @sha256:…")
    return (reference.removesuffix(f":{parsed.tag}"), parsed.tag) if parsed.tag else (reference, tag)


def deliver(
    result: Result, to: Destination, *, replace: bool, access: Access | None, progress: Progress
) -> Transfer | None:
    """Put the image where it goes; returns what was moved, if that was to a registry."""
    if to.place is None:
        return None
    reference = f"{to.name}:{to.tag}"
    if to.place.kind is not PlaceKind.REGISTRY or access is None:
        from m2build.stores.places import write_image

        write_image(result.image, to.place, tag=to.tag, reference=reference, replace=replace, progress=progress)
        return None
    from m2build.registry.push import push_image

    target = parse_reference(reference)
    name = result.origin.base.name
    base = parse_reference(name) if name else None
    mount_from = base.repository if base and base.registry == target.registry else None
    return push_image(result.image, target, access, progress, mount_from=mount_from)
