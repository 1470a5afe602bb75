"""Plans with a lock: it spares the base's layers, and what differs from it is reported or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from m2build.base.mirror import Mirror
from m2build.base.model import Base
from m2build.base.sources import open_files
from m2build.derivation.applied import applied_series
from m2build.derivation.launches import Launches
from m2build.derivation.plan import Plan, Preimage
from m2build.derivation.remembered import give_notices, remembered_plans
from m2build.derivation.times import creation_time
from m2build.errors import M2BuildError
from m2build.launch.check import read_server
from m2build.locking.comparing import Difference, refusal
from m2build.locking.foreseen import foreseen
from m2build.locking.made import lock_of
from m2build.locking.model import Lock
from m2build.locking.replay import contents_of, needed, replayed
from m2build.oci.reference import parse_reference
from m2build.patches.change import changed_tree
from m2build.patches.changeset import apply_series
from m2build.places.place import Place, PlaceKind
from m2build.progress import Progress
from m2build.recipes.model import Selection
from m2build.recipes.selections import common_recipe

if TYPE_CHECKING:
    from m2build.launch.proof import LaunchProof
    from m2build.patches.series import Series
    from m2build.patches.tree import SourceTree


@dataclass(frozen=True)
class HeldLock:
    """A lock that images are made with.

    Attributes:
        lock: the lock.
        is_strict: whether a difference from it is refused.
    """

    lock: Lock
    is_strict: bool = False

    def pinned(self, place: Place) -> Place:
        """The place of the base, by the locked digest if it is the locked name in a registry without a digest."""
        is_open = place.kind is PlaceKind.REGISTRY and parse_reference(place.location).digest is None
        if not is_open or not self._names(place):
            return place
        return Place(PlaceKind.REGISTRY, f"{place.location}@{self.lock.base.digest}")

    def mirror(self, place: Place) -> Mirror | None:
        """The copy of the base at a place, if the lock names one: the locked name, alone or with a locked digest."""
        base = self.lock.base
        if base.mirror is None or not self._names(place):
            return None
        return Mirror(base.mirror, base.digest, base.manifest)

    def _names(self, place: Place) -> bool:
        """Whether a place is the locked name in a registry, without a digest or with a locked one."""
        if place.kind is not PlaceKind.REGISTRY:
            return False
        base, reference = self.lock.base, parse_reference(place.location)
        return str(reference.without_digest) == base.image and reference.digest in (None, base.digest, base.manifest)

    def plans(
        self,
        selections: Sequence[Selection],
        base: Base,
        read: Callable[[], Sequence[Plan]],
        *,
        environment: Mapping[str, str],
        progress: Progress,
        series: Series | None = None,
    ) -> tuple[Plan, ...]:
        """The plans of selections of one recipe; layers are read only if the lock does not fit or files are missing.

        Args:
            selections: which images.
            base: what to derive from; its manifest and config are enough.
            read: returns the plans by the base's layers.
            environment: where `SOURCE_DATE_EPOCH` is looked for.
            progress: receives how the images differ from the lock.
            series: the patches to apply; None for the recipe's own.

        Raises:
            BaseChangedError: the lock is strict, and the base is another one.
            PatchError: the lock is strict, and something else differs; and what `read` raises.
        """
        applied = applied_series(common_recipe(selections), series)
        early = foreseen(self.lock, selections, base, applied)
        if early:
            self._report(early, progress)
            return tuple(read())
        known = remembered_plans(selections, base, applied, environment=environment)
        known = known or self._published(selections, base, applied, environment=environment, progress=progress)
        if known is not None:
            give_notices(*known, progress)
        plans = known[0] if known else tuple(read())
        differing = self.lock.differences(lock_of(plans))
        self._report(differing, progress)
        if any(one.is_of_the_sources for one in differing):
            return plans
        return tuple(replace(plan, preimage=Preimage.LOCKED) for plan in plans)

    def _published(
        self,
        selections: Sequence[Selection],
        base: Base,
        series: Mapping[str, Series],
        *,
        environment: Mapping[str, str],
        progress: Progress,
    ) -> tuple[tuple[Plan, ...], tuple[LaunchProof, ...]] | None:
        """The plans by the published releases that the lock names; None if these lack some of the files.

        Launch flags that are not the locked ones are checked against the releases.

        Raises:
            LaunchError: the server of the releases, as patched, does not accept them.
        """
        contents: dict[str, bytes] = {}
        patched: list[SourceTree] = []
        for name, source in self.lock.sources.items():
            if source.published is not None:
                try:
                    progress.step(f"patching the sources of {source.published}")
                    tree = open_files(Place.parse(source.published))
                    changeset = apply_series(series[name], tree)
                except M2BuildError as error:
                    progress.notice(f"the sources are not taken from {source.published}: {error.message}")
                    continue
                contents |= contents_of([changeset])
                patched.append(changed_tree(tree, changeset.changes))
        if not needed(self.lock) <= contents.keys():
            return None
        created = creation_time(base, environment)
        plans = replayed(self.lock, selections, base, series, contents, created=created)
        proven = {image.plan for image in self.lock.images.values()}
        unproven = [plan.selection for plan in plans if str(plan.digest) not in proven]
        if unproven and not patched:
            return None
        return plans, Launches.of(unproven, read_server(patched), base.config.environment).proofs if unproven else ()

    def _report(self, differing: Sequence[Difference], progress: Progress) -> None:
        """Refuse differences if the lock is strict, else say the first one."""
        if not differing:
            return
        if self.is_strict:
            raise refusal(differing)
        others = len(differing) - 1
        more = f", and {others} more key{'s differ' if others > 1 else ' differs'}" if others else ""
        progress.notice(
            f"the lock does not describe this image: {differing[0]}{more}; `m2build lock --update` brings it up to date"
        )
