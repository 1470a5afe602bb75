"""The way back: the base that an image stands on, proven and by digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.base.elsewhere import pulled
from m2build.base.open import open_base
from m2build.errors import ContentError, UsageError
from m2build.labels import SOURCE_ROOT
from m2build.layers.root import Root
from m2build.oci.reference import parse_reference
from m2build.places.place import SOURCES, Place, PlaceKind
from m2build.places.transports import read_image
from m2build.verification.base import as_far_as_claimed, claim_findings, prefix_findings, stored_findings
from m2build.verification.origin import claimed_base

if TYPE_CHECKING:
    from m2build import printed
    from m2build.base.model import Base
    from m2build.oci.image import Image
    from m2build.progress import Progress
    from m2build.registry.access import Access


@dataclass(frozen=True)
class Reverted:
    """The base of an image.

    Attributes:
        place: where it is, by digest.
        digest: the digest of what its name refers to, an index if it has images for several platforms.
        manifest: the digest of its manifest for the image's platform.
        layers: how many layers it has.
        above: how many layers the image has above them.
        tagged: its other name with its digest, if it was given one.
        moved: a sentence about what that name named before; None if it names the same, or there was none.
    """

    place: Place
    digest: str
    manifest: str
    layers: int
    above: int
    tagged: str | None = None
    moved: str | None = None

    @property
    def reference(self) -> str:
        """Its name and its digest: in a registry as docker pull takes them, elsewhere after its place."""
        if self.place.kind is PlaceKind.REGISTRY:
            return self.place.location
        return str(self.place) if self.place.digest else f"{self.place}@{self.digest}"

    def document(self) -> printed.Reverted:
        """The base as JSON."""
        return {
            "reference": self.reference,
            "digest": self.digest,
            "manifest": self.manifest,
            "layers": self.layers,
            "layersAbove": self.above,
            "tagged": self.tagged,
        }


def revert_image(place: Place, base: Place | None, *, platform: str, access: Access, progress: Progress) -> Reverted:
    """Prove that an image is its base with layers on top, and name the base by digest.

    In registries only manifests and configs are read; elsewhere the layers that the image stores are checked, too. A
    base in an engine's store or in an archive of Docker's has no manifest as a registry has it. It is the image's base
    if its config has the digest that the image names: the config decides the layers, all but their compression.

    Args:
        place: where the image is.
        base: where the base is; None for where the image's labels say, which is then proven.
        platform: `os/architecture[/variant]`.
        access: how registries are reached.
        progress: receives what is read.

    Raises:
        UsageError: a place does not exist, has no such image, or the labels name no base.
        ContentError: the image is not that base with layers on top, or something is truncated, altered or malformed.
        TransportError: a registry does not deliver.
        EngineError: a container engine does not export its image.
        StorageError: a file cannot be read.
    """
    found = read_image(place, platform, access, progress=progress).image
    origin = base or claimed_base(found.config, place)
    roots = {"sources": Root(found.config.labels.get(SOURCE_ROOT, "").strip("/"), SOURCE_ROOT)}
    with pulled(origin):
        opened = open_base(origin, roots=roots, platform=platform, access=access, progress=progress).read_whole()
    lower = opened.image
    if lower is None or opened.digest is None:
        raise UsageError(f"{origin} is not the place of an image")
    findings = [*claim_findings(found, _as_far_as_proven(opened, found)), *prefix_findings(found, opened)]
    if not findings:
        is_remote = place.kind is PlaceKind.REGISTRY
        findings = list(stored_findings(found, lower, is_remote=is_remote, progress=progress))
    if findings:
        raise ContentError(
            f"{place} is not {origin} with layers on top: {'; '.join(finding.message for finding in findings)}",
            hint="name the image's own base with --base PLACE",
        )
    height = len(lower.config.diff_ids)
    pinned = _pinned(origin, opened.name, str(opened.digest))
    return Reverted(pinned, str(opened.digest), str(lower.manifest.digest), height, len(found.config.diff_ids) - height)


def _as_far_as_proven(base: Base, image: Image) -> Base:
    """The base with the digest that an image names, if its place cannot keep that, and its config is the named one."""
    known = as_far_as_claimed(base, image.config.labels)
    is_exact = known.claimed is None or (base.image and known.claimed.config == base.image.manifest.config.digest)
    return known if is_exact else base


def _pinned(place: Place, name: str | None, digest: str) -> Place:
    if place.kind is PlaceKind.REGISTRY and name:
        return Place(PlaceKind.REGISTRY, f"{parse_reference(name).without_digest}@{digest}")
    return place if place.kind in SOURCES else Place(place.kind, place.location, place.tag, digest)
