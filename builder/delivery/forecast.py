"""What a build would do, without doing it: with which engine, where to, and how many bytes it would send."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from m2build.delivery.job import Job
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.media_types import DOCKER
from m2build.places.place import ENGINE_STORES, PlaceKind

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.derivation.plan import Plan
    from m2build.engines.model import Engine
    from m2build.oci.image import Image


@dataclass(frozen=True)
class Forecast:
    """What the build of one image would do.

    Attributes:
        plan: the plan of the image.
        job: where it goes.
        engine: what builds it: `embedded`, `docker` or `podman`.
        image: the image itself, if the embedded engine makes it; other engines make their own layers.
        before: what the destination's name means now.
        existing: how many blobs the destination has already.
        mountable: how many more the registry may take over from the base's repository.
        copied: the blobs to copy.
        is_exact: whether `copied` is complete: an engine's own layers are not known before it makes them, and a
            Docker archive holds layers uncompressed.
    """

    plan: Plan
    job: Job
    engine: str
    image: Image | None
    before: Digest | None
    existing: int
    mountable: int
    copied: tuple[Descriptor, ...]
    is_exact: bool

    @property
    def bytes(self) -> int:
        """The size of all blobs to copy."""
        return sum(blob.size for blob in self.copied)


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
    found = Forecast(
        plan=plan,
        job=job,
        engine=engine.name,
        image=image,
        before=job.target.named(),
        existing=0,
        mountable=0,
        copied=(),
        is_exact=image is not None and job.to.place.kind is not PlaceKind.DOCKER_ARCHIVE,
    )
    return _counted(found, blobs, below)


def _layers(base: Base) -> tuple[Descriptor, ...]:
    """A base's layers; for an image in an engine's store, uncompressed and of unknown size."""
    if base.image is None:
        return tuple(Descriptor(DOCKER.layer, diff_id, 0) for diff_id in base.config.diff_ids)
    return base.image.manifest.layers


def _counted(found: Forecast, blobs: Sequence[Descriptor], below: Collection[Digest]) -> Forecast:
    target = found.job.target
    missing = [blob for blob in dict.fromkeys(blobs) if not target.has(blob)]
    copied = tuple(blob for blob in missing if not (target.mounts and blob.digest in below))
    existing = len(set(blobs)) - len(missing)
    return replace(found, existing=existing, mountable=len(missing) - len(copied), copied=copied)


def _blobs(image: Image, job: Job, *, is_thin: bool) -> Iterator[Descriptor]:
    """The blobs to write for an image; in a registry, a manifest is not a blob."""
    yield from image.manifest.layers[-1:] if is_thin else image.manifest.layers
    yield image.manifest.config
    if job.to.place.kind is not PlaceKind.REGISTRY:
        yield image.manifest.descriptor
