"""How a session moves images to other bases, and keeps the bases of others within reach."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from m2build.documents.arguments import typed_arguments
from m2build.places.place import PlaceKind
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
    from m2build.verification.revert import Reverted


class Moving(Making, Examining):
    """Images on other bases, and bases in other registries."""

    @typed_arguments
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
        """An image that is derived anew on another base: `deliver()` makes it, `foresee()` says what that does.

        Both first prove the old image, `deliver()` as soon as the destination is known to accept the new one. The new
        image is the one that recipe and new base give: its overlay replaces the old one. The old image adds only the
        names of its recipe, its profile and its model; so an image with anything else in it is refused.

        Args:
            place: where the image is.
            base: the new base, as for `shipment`.
            wanted: what the image has to be, as for `verify`; None for the shipped recipe that it names.
            old_base: where its own base is; None for where its labels say, by digest.
            to: where the new image goes, as for `shipment`.
            engine: `embedded`, `docker` or `podman`, as for `shipment`.
            series: the patches that were applied, and will be; None for the recipe's own.

        Raises:
            UsageError: it names no known recipe, profile or model, its labels name no base, or `shipment` raises it.
            ContentError: from `deliver` and `foresee`: the image is not what recipe and old base give.
            PatchError: from these, too: m2build derived the new base itself, or a patch does not apply to it.
            M2BuildError: as `verify` and `shipment`.
        """
        from m2build.verification.demands import Expectation, Means
        from m2build.verification.rebase import claims, prove

        old, below = parsed_place(place), parsed_place(old_base) if old_base is not None else None
        means = Means(self.platform, self._access, self.environment, self.progress)
        selection, own = claims(old, Expectation(wanted, below, series), means)
        shipment = self.shipment([selection], base, to=to, engine=engine, series=series)

        def proof() -> None:
            with self._caching():
                prove(old, Expectation(selection, own, series), means)

        return replace(shipment, proof=proof)

    @typed_arguments
    def revert(self, place: str | Place, *, base: str | Place | None = None, name: str | None = None) -> Reverted:
        """Prove that an image is its base with layers on top, and name the base by digest.

        Args:
            place: where the image is.
            base: where the base is; None for where the image's labels say, which is then proven.
            name: what else to call the base, in a registry that is asked first whether it accepts that; or None. A base
                in a registry keeps its digest there, as with `mirror`.

        Raises:
            ContentError: the image is not that base with layers on top.
            M2BuildError: as `inspect`, and with a name as `mirror` and `push`.
        """
        from m2build.delivery.sending import accepted_target
        from m2build.verification.revert import revert_image

        if name is not None:
            accepted_target(name, self._access)
        below = parsed_place(base) if base is not None else None
        platform = self._image_platform
        with self._caching():
            found = revert_image(
                parsed_place(place), below, platform=platform, access=self._access, progress=self.progress
            )
        if name is None:
            return found
        if found.place.kind is PlaceKind.REGISTRY:
            copy = self._copied(found.place, name, platform=None)  # the image's own chooses no part of the base
            return replace(found, tagged=copy.reference, moved=copy.moved)
        delivery = self.push(found.place, name)
        return replace(found, tagged=delivery.reference, moved=delivery.moved)

    @typed_arguments
    def check_base(self, lock: Lock) -> BaseCheck:
        """Whether the tag of a lock's base still names the locked digest; no manifest is fetched.

        Raises:
            UsageError: the lock's base is not a tag in a registry.
            TransportError: a registry refuses, or does not answer.
        """
        from m2build.bases.check import check_base

        return check_base(lock.base, self._access)

    @typed_arguments
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
            UsageError: one of them is not a name in a registry.
            TransportError: a registry does not deliver, or does not accept the copy; its tag is unchanged.
            TransferBudgetError: it is more than `publishing` allows.
        """
        from m2build.locking.plans import HeldLock

        base = parsed_place(place)
        pinned = HeldLock(lock).pinned(base) if lock else base
        return self._copied(pinned, name, platform=self.platform, lock=lock)

    def _copied(self, place: Place, name: str, *, platform: str | None, lock: Lock | None = None) -> Mirrored:
        from m2build.bases.copy import mirror_base

        return mirror_base(
            place,
            name,
            lock=lock,
            platform=platform,
            access=self._access,
            progress=self.progress,
            publishing=self.publishing,
        )
