"""The images of one recipe, from their base to their destinations: check, forecast, deliver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from m2build.base.elsewhere import pulled
from m2build.base.open import open_base
from m2build.delivery.delivered import Delivery
from m2build.delivery.destination import mountable_from
from m2build.delivery.job import Job, check_names, check_targets, check_transfer
from m2build.delivery.surroundings import Surroundings
from m2build.derivation.planning import refuse_derived
from m2build.documents.arguments import typed_arguments
from m2build.engines.model import Engine, Task
from m2build.local.cache import cache_in
from m2build.local.temporary import temporary_place
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.places.place import ENGINE_STORES, Place, PlaceKind
from m2build.places.spool import Spool, spool_beside
from m2build.recipes.selections import workdirs
from m2build.registry.tags import TagPolicy

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.delivery.forecast import Forecast
    from m2build.derivation.plan import Plan
    from m2build.locking.plans import HeldLock
    from m2build.patches.series import Series


@dataclass(frozen=True)
class Shipment:
    """Images of one recipe, with their base, their engine and their destinations.

    `session.shipment` makes one; that reads nothing of the base, and writes nothing.

    Attributes:
        source: where the base is.
        jobs: the images, and where each goes.
        engine: what makes them; a container engine has been probed.
        platform: `os/architecture[/variant]` of the base.
        surroundings: how registries, caches and the user are reached.
        series: the series to apply; None for the recipe's own.
        may_replace: whether an existing file, or a tag of a layout that names another image, may be replaced.
        is_thin: whether the base's layers are left out.
        held: the lock that spares reading the base's layers; or None.
        proof: what has to hold besides, as of an image that this one replaces: raises if it does not. It may take long,
            and so comes when all else is checked.
    """

    source: Place
    jobs: Sequence[Job]
    engine: Engine
    platform: str
    surroundings: Surroundings
    series: Series | None = None
    may_replace: bool = False
    is_thin: bool = False
    held: HeldLock | None = None
    proof: Callable[[], object] = lambda: None

    def deliver(self) -> Iterator[Delivery]:
        """Make the images and deliver them, one by one; the destinations are checked first.

        Raises:
            UsageError: something else is at a destination.
            BaseChangedError: the base is not the one of the lock, and a difference from it is refused.
            PatchError: a patch does not apply to the base, or the image differs from the lock, and that is refused.
            ContentError: bytes of the base are not what they should be.
            TransportError: a registry does not send the base, or does not accept an image.
            EngineError: a container engine fails.
            StorageError: a destination cannot be written.
            TransferBudgetError: more of the base would be fetched, or copied into a registry, than is allowed.
        """
        check_targets(self.jobs, is_ours=self.engine.copies)
        with cache_in(self.surroundings.cache):
            base = self._opened(whole=self.engine.copies)
        self._check(base)
        self.proof()
        with self._pulled_by_engine(), self._spool(base) as spool:
            with spool.keeping() if spool else nullcontext(), cache_in(self.surroundings.cache):
                near = replace(base, image=replace(base.image, blobs=spool)) if spool and base.image else base
                plans = self._plans(near, fetches=True)
            self._check_tags(plans)
            for plan, job in zip(plans, self.jobs, strict=True):
                yield self._delivered(plan, job)

    @typed_arguments
    def deliver_plan(self, plan: Plan) -> Delivery:
        """Make and deliver the image of a plan, the only one of the shipment; the destination is checked first.

        Raises:
            M2BuildError: as `deliver`.
        """
        (job,) = self.jobs
        check_targets(self.jobs, is_ours=self.engine.copies)
        self._check(plan.base)
        self._check_tags([plan])
        with self._pulled_by_engine():
            return self._delivered(plan, job)

    def foresee(self) -> Sequence[Forecast]:
        """What `deliver` would do. Reads the base in the same place, and writes nothing."""
        from m2build.delivery.forecast import forecast, judged

        with cache_in(self.surroundings.cache):
            base = self._opened(whole=False)
        self.proof()
        with cache_in(self.surroundings.cache):
            plans = self._plans(base, fetches=False)
        pairs = zip(plans, self.jobs, strict=True)
        found = [forecast(plan, job, self.engine, is_thin=self.is_thin) for plan, job in pairs]
        return judged(found, self.surroundings.publishing)

    def _check(self, base: Base) -> None:
        """Check what is known before the layers of the base are read."""
        check_names(self.jobs, base)
        if self.engine.copies:
            check_transfer(self.jobs, base, self.surroundings)

    def _check_tags(self, plans: Sequence[Plan]) -> None:
        """Check, before anything is sent, that each tag may name its image."""
        if self.surroundings.publishing.tag_policy is not TagPolicy.MOVE:
            for plan, job in zip(plans, self.jobs, strict=True):
                image = self.engine.preview(plan)
                job.target.check_tag(image.manifest.digest if image else None)

    def _opened(self, *, whole: bool) -> Base:
        selections = [job.selection for job in self.jobs]
        with pulled(self.source):
            base = open_base(
                self.source,
                roots=selections[0].recipe.roots,
                platform=self.platform,
                workdirs=workdirs(selections),
                access=self.surroundings.access,
                whole=whole,
                mirror=self.held.mirror(self.source) if self.held else None,
                progress=self.surroundings.progress,
            ).read_within(self.surroundings.publishing.most_read)
        refuse_derived(base.config)
        return base

    def _plans(self, base: Base, *, fetches: bool) -> Sequence[Plan]:
        from m2build.derivation.remembered import plan_all

        selections, around = [job.selection for job in self.jobs], self.surroundings

        def read() -> tuple[Plan, ...]:
            near = self.engine.look_at(base, selections, self._task(self.jobs[0], base), fetches=fetches)
            return plan_all(
                selections, near, environment=around.environment, progress=around.progress, series=self.series
            )

        if self.held is None:
            return read()
        return self.held.plans(
            selections, base, read, environment=around.environment, progress=around.progress, series=self.series
        )

    def _pulled_by_engine(self) -> AbstractContextManager[None]:
        return nullcontext() if self.engine.copies else pulled(self.source)

    @contextmanager
    def _spool(self, base: Base) -> Iterator[Spool | None]:
        """Keeps the layers that are read and also copied, so that each is fetched once; None if there are none."""
        is_copied = self.source.kind is PlaceKind.REGISTRY and self.engine.copies and not self.is_thin
        if base.image is None or not is_copied:
            yield None
            return
        folder = self.jobs[0].target.folder or temporary_place()
        with spool_beside(folder) as kept:
            yield Spool(base.image.blobs, kept, self._is_lacking)

    def _is_lacking(self, layer: Descriptor) -> bool:
        return any(job.target.lacking([layer]) for job in self.jobs)

    def _task(self, job: Job, base: Base) -> Task:
        before = (other.to.reference for other in self.jobs[: self.jobs.index(job)])
        holders = [*base.holders]
        holders += [name for name in before if job.to.place.kind is PlaceKind.REGISTRY]
        return Task(
            place=job.to.place,
            reference=job.to.reference,
            progress=self.surroundings.progress,
            access=self.surroundings.access,
            mount_from=mountable_from(job.to.reference, *holders),
            insecure=self.surroundings.insecure,
            may_replace=self.may_replace,
            is_thin=self.is_thin,
            policy=self.surroundings.publishing.tag_policy,
            known=job.target.found,
        )

    def _delivered(self, plan: Plan, job: Job) -> Delivery:
        # In layouts and archives, a name moves only with --replace.
        before = job.target.named() if job.target.folder is None else None
        built = self.engine.make(plan, self._task(job, plan.base))
        if (moved := built.transfer) and (early := job.target.mounted):
            counts = replace(moved, existing=moved.existing - early, mounted=moved.mounted + early)
            built = replace(built, transfer=counts)
        is_stored = job.to.place.kind in ENGINE_STORES
        now: Digest = (job.target.named() if is_stored else None) or built.digest or built.image_id
        return Delivery(job.to, self.engine.name, built, plan, before, now)
