"""Making images and bringing them to where they go: by the embedded engine, or by a container engine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import JsonValue

from m2build.base.elsewhere import pulled
from m2build.base.model import Base
from m2build.delivery.destination import mountable_from
from m2build.delivery.job import Delivered, Job
from m2build.derivation.result import Result, metadata
from m2build.local.temporary import temporary_place
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.reference import parse_reference
from m2build.places.place import ENGINE_STORES, Place, PlaceKind
from m2build.places.spool import Spool, spool_beside
from m2build.progress import Progress

if TYPE_CHECKING:
    from m2build.delivery.forecast import Forecast
    from m2build.derivation.plan import Plan
    from m2build.engines.model import Engine
    from m2build.registry.access import Access
    from m2build.registry.push import Transfer


@dataclass(frozen=True)
class Carrier:
    """How the images of one base are made and brought to where they go.

    Attributes:
        source: where the base is.
        base: the base.
        jobs: the images.
        replace: whether an existing file, or a tag of a layout that names another image, may be replaced.
        insecure: whether any registry may speak plain HTTP, or have a certificate of its own.
        access: how registries are reached; None if there are none.
        progress: is told what is going on.
    """

    source: Place
    base: Base
    jobs: Sequence[Job]
    replace: bool
    insecure: bool
    access: Access | None
    progress: Progress

    def derive(self, *, is_thin: bool) -> Iterator[Delivered]:
        """Derive images without any container engine, and deliver them one by one; thin ones lack the base's layers."""
        from m2build.delivery.thin import thin

        with self._spool(is_thin=is_thin) as spool:
            for result, job in zip(self._results(spool), self.jobs, strict=True):
                yield self._delivered(thin(result) if is_thin else result, job)

    def build(self, engine: Engine) -> Iterator[Delivered]:
        """Have a container engine build images, one after the other."""
        with pulled(self.source):
            for plan, job in zip(self._plans(engine, fetches=True), self.jobs, strict=True):
                yield self._built(engine, plan, job)

    def foresee(self, engine: Engine | None, *, is_thin: bool) -> Sequence[Forecast]:
        """What `derive` or `build` would come to; the base is looked at where they would, and nothing is written."""
        from m2build.delivery.forecast import forecast

        plans = self._plans(engine, fetches=False)
        return [forecast(plan, job, engine, is_thin=is_thin) for plan, job in zip(plans, self.jobs, strict=True)]

    def _plans(self, engine: Engine | None, *, fetches: bool) -> Sequence[Plan]:
        from m2build.derivation.derive import derive_all  # codemods take their time to be imported
        from m2build.engines.nearby import looked_at_nearby

        selections, base = [job.selection for job in self.jobs], self.base
        if engine is not None:
            root = selections[0].recipe.base.source_root
            base = looked_at_nearby(base, engine, root, self.progress, insecure=self.insecure, fetches=fetches)
        return derive_all(selections, base, environment=os.environ, progress=self.progress)

    @contextmanager
    def _spool(self, *, is_thin: bool) -> Iterator[Spool | None]:
        """Where layers of a base in a registry are kept that are read and have to be copied too, if there are any."""
        if self.source.kind is not PlaceKind.REGISTRY or is_thin:
            yield None
            return
        folder = self.jobs[0].target.folder or temporary_place()
        with spool_beside(folder) as kept:
            yield Spool(self.base.image.blobs, kept, self._is_lacking)

    def _is_lacking(self, layer: Descriptor) -> bool:
        return any(job.target.lacks(layer) for job in self.jobs)

    def _results(self, spool: Spool | None) -> Sequence[Result]:
        from m2build.derivation.remembered import derive_images

        image = self.base.image if spool is None else replace(self.base.image, blobs=spool)
        with spool.keeping() if spool else nullcontext():
            return derive_images(
                [job.selection for job in self.jobs],
                replace(self.base, image=image),
                environment=os.environ,
                progress=self.progress,
            )

    def _delivered(self, result: Result, job: Job) -> Delivered:
        manifest, before = result.image.manifest, _before(job)
        account = metadata(result, job.to.reference, self._put(result, job))
        return _told(job, manifest.digest, manifest.config.digest, account, before)

    def _put(self, result: Result, job: Job) -> Transfer | None:
        to = job.to
        if to.place.kind is not PlaceKind.REGISTRY or self.access is None:
            from m2build.places.transports import write_image

            names = {"tag": to.tag, "reference": to.reference}
            write_image(result.image, to.place, **names, replace=self.replace, progress=self.progress)
            return None
        from m2build.registry.push import push_image

        name = result.origin.base.name
        mount_from = mountable_from(to.reference, name) if name else None
        transfer = push_image(
            result.image, parse_reference(to.reference), self.access, self.progress, mount_from=mount_from
        )
        early = job.target.taken_over
        return replace(transfer, existing=transfer.existing - early, mounted=transfer.mounted + early)

    def _built(self, engine: Engine, plan: Plan, job: Job) -> Delivered:
        from m2build.engines.build import build_with
        from m2build.engines.model import Order

        to, base = job.to, plan.base
        order = Order(to.place, to.reference, base.image.config.platform, plan.created, base.name, self.insecure)
        before = _before(job)
        result = build_with(engine, plan, order, replace=self.replace, progress=self.progress)
        return _told(job, result.built.digest, result.built.image_id, result.metadata(), before)


def _before(job: Job) -> Digest | None:
    """What a name means that moves without being asked for: in layouts and archives --replace asks for it."""
    return job.target.named() if job.target.folder is None else None


def _told(
    job: Job, digest: Digest | None, image_id: Digest, account: dict[str, JsonValue], before: Digest | None
) -> Delivered:
    to = job.to
    is_stored = to.place.kind in ENGINE_STORES
    now = (job.target.named() if is_stored else None) or digest or image_id
    return Delivered(to.published(digest, image_id), str(image_id), account, str(to.stored), before, now)
