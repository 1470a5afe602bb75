"""How a session moves images to other bases, and keeps the bases of others within reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.places.place import ENGINE_STORES, SOURCES
from m2build.session.connections import parsed_place
from m2build.session.examining import Examining
from m2build.session.making import Making

if TYPE_CHECKING:
    from m2build.bases.check import BaseCheck
    from m2build.bases.copy import Mirrored
    from m2build.delivery.destinations import Destinations
    from m2build.delivery.shipment import Shipment
    from m2build.locking.model import Lock
    from m2build.patches.series import Series
    from m2build.places.place import Place
    from m2build.recipes.model import Recipe, Selection


class Moving(Making, Examining):
    """Images on other bases, and bases in other registries."""

    def rebase(
        self,
        place: str | Place,
        base: str | Place,
        wanted: Recipe | Selection | None = None,
        *,
        old_base: str | Place | None = None,
        to: Destinations | str | None = None,
        engine: str | None = None,
        series: Series | None = None,
    ) -> Shipment:
        """Prove an image, and derive it anew on another base: `deliver()` makes it, `foresee()` says what that does.

        The new image is the one that recipe and new base give: its overlay replaces the old one. The old image adds
        only the names of its recipe, its profile and its model; so an image with anything else in it is refused.

        Args:
            place: where the image is.
            base: the new base, as for `shipment`.
            wanted: what the image has to be, as for `verify`; None for the shipped recipe that it names.
            old_base: where its own base is; None for where its labels say, by digest.
            to: where the new image goes, as for `shipment`.
            engine: `embedded`, `docker` or `podman`, as for `shipment`.
            series: the patches that were applied, and will be; None for the recipe's own.

        Raises:
            ContentError: the image is not what recipe and old base give.
            UsageError: it names no known recipe, profile or model, its labels name no base, or `shipment` raises it.
            PatchError: m2build derived the new base itself; or, from `deliver`, a patch does not apply to it.
            M2BuildError: as `verify` and `shipment`.
        """
        from m2build.verification.demands import Expectation, Means
        from m2build.verification.rebase import proven_selection

        self._check_new_base(parsed_place(base), wanted)
        below = parsed_place(old_base) if old_base is not None else None
        with self._caching():
            means = Means(self.platform, self._access, self.environment, self.progress)
            selection = proven_selection(parsed_place(place), Expectation(wanted, below, series), means)
        return self.shipment([selection], base, to=to, engine=engine, series=series)

    def _check_new_base(self, place: Place, wanted: Recipe | Selection | None) -> None:
        """Look at a new base's config first: the proof reads the whole old base, and would be in vain."""
        from m2build.base.elsewhere import pulled
        from m2build.derivation.plan import refuse_derived
        from m2build.places.transports import read_image
        from m2build.verification.verify import default_platform

        if place.kind in SOURCES or place.kind in ENGINE_STORES:  # there a look costs as much as reading
            return
        with pulled(place):
            found = read_image(place, self.platform or default_platform(wanted), self._access_to(place))
        refuse_derived(found.image.config)

    def check_base(self, lock: Lock) -> BaseCheck:
        """Whether the tag of a lock's base still names the locked digest; no manifest is fetched.

        Raises:
            UsageError: the lock's base is no tag in a registry.
            TransportError: a registry refuses, or does not answer.
        """
        from m2build.bases.check import check_base

        return check_base(lock.base, self._access)

    def mirror(self, place: str | Place, name: str, *, lock: Lock | None = None) -> Mirrored:
        """Copy a base by digest into another registry, from where builds with a lock read it once its own name is gone.

        Of an index, all is copied; with a `platform`, the session copies only the image for that one.

        What the other registry has already is not sent: an interrupted copy goes on after the last complete layer.
        `lock.with_mirror(mirrored.name)` is the lock that names the copy.

        Args:
            place: the base, a name in a registry; the locked name without a digest means the locked digest.
            name: what to call the copy, `REGISTRY/NAME[:TAG]`; without a tag it gets the base's.
            lock: the lock of the base, or None.

        Raises:
            BaseChangedError: the lock is of another base.
            UsageError: one of them is no name in a registry.
            TransportError: a registry does not deliver, or does not accept the copy; its tag is unchanged.
            TransferBudgetError: it is more than `publishing` allows.
        """
        from m2build.bases.copy import mirror_base
        from m2build.locking.plans import HeldLock

        base = parsed_place(place)
        return mirror_base(
            HeldLock(lock).pinned(base) if lock else base,
            name,
            lock=lock,
            platform=self.platform,
            access=self._access,
            progress=self.progress,
            publishing=self.publishing,
        )
