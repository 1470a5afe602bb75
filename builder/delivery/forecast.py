"""What a build would do, without doing it: with which engine, where to, and how many bytes it would send."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from m2build.delivery.copying import Lacking
from m2build.delivery.destination import mountable_from
from m2build.delivery.job import Job
from m2build.delivery.publishing import Publishing
from m2build.errors import M2BuildError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.media_types import DOCKER
from m2build.places.place import ENGINE_STORES, PlaceKind
from m2build.progress import Silent

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.derivation.plan import Plan
    from m2build.engines.model import Engine
    from m2build.oci.image import Image


_RATE = 100_000_000
"""Bytes a second: what a network of 1 Gbit/s leaves for layers, in round figures."""


class BlobState(StrEnum):
    """What a build would do to have a blob at the destination."""

    PRESENT = "present"
    """Nothing: it is there."""
    MOUNTABLE = "mountable"
    """Ask the registry to mount it from the base's repository; if that is refused, it is copied."""
    COPY = "copy"
    """Copy it."""


@dataclass(frozen=True)
class Forecast:
    """What the build of one image would do.

    Attributes:
        plan: the plan of the image.
        job: where it goes.
        engine: what builds it: `embedded`, `docker` or `podman`.
        image: the image itself, if the embedded engine makes it; other engines make their own layers.
        before: what the destination's name means now.
        blobs: what would be done for each blob.
        is_exact: whether `blobs` is complete: an engine's own layers are not known before it makes them, and a
            Docker archive holds layers uncompressed.
        refusal: why the image would not be delivered, as far as that is known; None if it would.
    """

    plan: Plan
    job: Job
    engine: str
    image: Image | None
    before: Digest | None
    blobs: tuple[tuple[Descriptor, BlobState], ...]
    is_exact: bool
    refusal: str | None = None

    def having(self, state: BlobState) -> tuple[Descriptor, ...]:
        """The blobs in a state."""
        return tuple(blob for blob, found in self.blobs if found is state)

    @property
    def bytes(self) -> int:
        """The size of all blobs to copy."""
        return sum(blob.size for blob in self.having(BlobState.COPY))

    @property
    def rate(self) -> int:
        """Bytes a second, for the estimate; an assumption."""
        return _RATE

    @property
    def seconds(self) -> int:
        """How long the copy takes at that rate."""
        return -(-self.bytes // self.rate)


def forecast(plan: Plan, job: Job, engine: Engine, *, is_thin: bool) -> Forecast:
    """What the build of a plan would do. Looks at the destination and at the engine's store, and writes nothing."""
    layers = _layers(plan.base)
    image = engine.preview(plan)
    if image is not None:
        blobs = tuple(_blobs(image, job, is_thin=is_thin))
    else:
        is_held = job.to.place.kind in ENGINE_STORES and engine.holds(plan.base)
        blobs = () if is_held else layers
    below = {layer.digest for layer in layers}
    return Forecast(
        plan=plan,
        job=job,
        engine=engine.name,
        image=image,
        before=job.target.named(),
        blobs=tuple((blob, _state(blob, job, below)) for blob in dict.fromkeys(blobs)),
        is_exact=image is not None and job.to.place.kind is not PlaceKind.DOCKER_ARCHIVE,
    )


def judged(forecasts: Sequence[Forecast], publishing: Publishing) -> list[Forecast]:
    """Forecasts with why their images would not be delivered; a question to the user counts as answered with yes."""
    lacking = Lacking()
    for found in forecasts:
        base = found.plan.base
        if found.job.to.place.kind is PlaceKind.REGISTRY and found.image is not None:
            name = found.job.to.reference
            below = {layer.digest for layer in _layers(base)}
            copied = [blob for blob in found.having(BlobState.COPY) if blob.digest in below]
            lacking.add(name, copied, mountable_from(name, *base.holders))
    is_asked = publishing.confirm is not None
    allowed = replace(publishing, confirm=(lambda _: True) if is_asked else None)
    too_much = _refused(lambda: lacking.check(allowed, Silent()))
    return [replace(found, refusal=too_much or _refused(partial(_check_tag, found))) for found in forecasts]


def _check_tag(found: Forecast) -> None:
    found.job.target.check_tag(found.image.manifest.digest if found.image else None)


def _refused(check: Callable[[], None]) -> str | None:
    try:
        check()
    except M2BuildError as error:
        return error.message
    return None


def _layers(base: Base) -> tuple[Descriptor, ...]:
    """A base's layers; for an image in an engine's store, uncompressed and of unknown size."""
    if base.image is None:
        return tuple(Descriptor(DOCKER.layer, diff_id, 0) for diff_id in base.config.diff_ids)
    return base.image.manifest.layers


def _state(blob: Descriptor, job: Job, below: Collection[Digest]) -> BlobState:
    if job.target.has(blob):
        return BlobState.PRESENT
    return BlobState.MOUNTABLE if job.target.mounts and blob.digest in below else BlobState.COPY


def _blobs(image: Image, job: Job, *, is_thin: bool) -> Iterator[Descriptor]:
    """The blobs to write for an image; in a registry, a manifest is not a blob."""
    yield from image.manifest.layers[-1:] if is_thin else image.manifest.layers
    yield image.manifest.config
    if job.to.place.kind is not PlaceKind.REGISTRY:
        yield image.manifest.descriptor
