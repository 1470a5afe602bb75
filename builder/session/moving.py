"""How a session moves images to other bases, and keeps the bases of others within reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.session.connections import parsed_place
from m2build.session.examining import Examining
from m2build.session.making import Making

if TYPE_CHECKING:
    from m2build.delivery.destinations import Destinations
    from m2build.delivery.shipment import Shipment
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
        nothing but the names of its recipe, its profile and its model; so whatever else is in it is refused.

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
            M2BuildError: as `verify` and `shipment`; `deliver` raises a PatchError if a patch does not apply to the
                new base, or if m2build derived that itself.
        """
        from m2build.verification.rebase import proven_selection

        with self._caching():
            selection = proven_selection(
                parsed_place(place),
                wanted,
                parsed_place(old_base) if old_base is not None else None,
                series=series,
                platform=self.platform,
                access=self._access,
                environment=self.environment,
                progress=self.progress,
            )
        return self.shipment([selection], base, to=to, engine=engine, series=series)
