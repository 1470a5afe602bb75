"""What a session makes: bases, source trees, plans, locks and images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.places.place import SOURCES, Place, PlaceKind, registry_place
from m2build.session.connections import Connections, parsed_place

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.delivery.delivered import Delivery
    from m2build.delivery.destinations import Destinations
    from m2build.delivery.shipment import Shipment
    from m2build.derivation.plan import Plan
    from m2build.locking.model import Lock
    from m2build.patches.series import Series
    from m2build.patches.tree import SourceTree
    from m2build.recipes.model import Recipe, Selection

_RECIPE = "minimax-m2"
"""The recipe where none is given, as on the command line."""


class Making(Connections):
    """From recipe and base to delivered images."""

    @typed_arguments
    def base(
        self,
        source: Recipe | str | Place,
        place: str | Place | None = None,
        *,
        sources: str | Place | Mapping[str, str | Place] | None = None,
        pinned: bool = True,
        lock: Lock | None = None,
    ) -> Base:
        """The base of a recipe.

        Args:
            source: the recipe, which names the image, the folder of its sources, and the platform; or a place, for
                the shipped recipe's base in that place.
            place: where the base is, if it is another one than the recipe's: a name in a registry, `oci:DIR`, an
                archive, an image of Docker's or podman's, or a stand-in made of sources, `pypi:NAME==VERSION`.
            sources: where its sources are taken from, so that the base is not looked at; only to be rendered. For a
                recipe with several folders of sources, a place by the name of each.
            pinned: whether to start from its digest. A base that is not pinned can only be rendered.
            lock: names the digest of the base, and perhaps its mirror, which is read if the base's own name is gone.

        Raises:
            UsageError: there is no such place, no image in it for the platform, a digest is missing, or there is not
                one place for each of the recipe's folders of sources.
            TransportError: a registry or the package index does not deliver.
            EngineError: a container engine does not export its image.
            ContentError: something is truncated, altered or malformed.
            PatchError: there are no sources in a folder or a wheel.
            StorageError: a file cannot be read.
        """
        from m2build.base.assumed import assumed_base
        from m2build.base.stand_in import place_of
        from m2build.locking.plans import HeldLock

        recipe, at = _recipe_and_place(source, place)
        platform = self.platform or recipe.base.platform
        if sources is not None:
            places = _places_of(recipe, sources)
            trees = {
                place_of(name, root): self.sources(places[name], source_root=root.path and f"/{root.path}")
                for name, root in recipe.roots.items()
            }
            return assumed_base(at, trees, platform=platform, is_pinned=pinned)
        base = self._read_base(recipe, HeldLock(lock).pinned(at) if lock else at, lock)
        return base if pinned else replace(base, digest=None)

    def _read_base(self, recipe: Recipe, place: Place, lock: Lock | None) -> Base:
        """A base, from its place or from the mirror that a lock names."""
        from m2build.base.elsewhere import pulled
        from m2build.base.open import open_base
        from m2build.locking.plans import HeldLock

        with self._caching(), pulled(place):
            return open_base(
                place,
                roots=recipe.roots,
                platform=self.platform or recipe.base.platform,
                access=self._access_to(place),
                mirror=HeldLock(lock).mirror(place) if lock else None,
                progress=self.progress,
            ).read_within(self.publishing.most_read)

    @typed_arguments
    def sources(
        self, place: str | Place | Base, *, source_root: str | None = None, series: Series | None = None
    ) -> SourceTree:
        """The Python sources at a place, for `m2build.patches`.

        Args:
            place: a folder, a wheel, a release (`pypi:NAME==VERSION`), or an image; also a base, as it was read.
            source_root: the folder of the sources in an image or a base.
            series: what is to be tried on them: a folder is refused that holds it in part, as after an interruption.

        Raises:
            UsageError: there is no such place, or it is an image and `source_root` is missing.
            PatchError: the image has no such folder, or the folder holds the series in part.
            ContentError: an archive is truncated, altered or malformed.
            TransportError: a release cannot be fetched, or a registry does not deliver.
            EngineError: a container engine does not give its image's files.
            StorageError: a file cannot be read.
        """
        from m2build.base.model import Base
        from m2build.base.sources import open_source

        at = place if isinstance(place, Base) else parsed_place(place)
        if source_root is None and (isinstance(at, Base) or at.kind not in SOURCES):
            what = at.name or "the base" if isinstance(at, Base) else at
            raise UsageError(f"{what} is an image: say where its sources are", hint="as in source_root='/opt/app'")
        if isinstance(at, Base):
            from m2build.derivation.derive import base_sources  # importing codemods takes time
            from m2build.layers.root import Root

            root = Root((source_root or "").strip("/"), "base.source_root")
            with self._caching():
                return base_sources(at, {"sources": root}, self.progress)["sources"]
        with self._caching():
            tree = open_source(
                at,
                source_root=source_root or "",
                platform=self._image_platform,
                progress=self.progress,
                access=self._access_to(at),
            )
        if series is not None and at.kind is PlaceKind.DIRECTORY:
            from m2build.patches.applying import check_settled

            check_settled(series.id, Path(at.location))
        return tree

    @typed_arguments
    def recipe_sources(self, recipe: Recipe, base: Base) -> dict[str, SourceTree]:
        """The Python sources in each folder that a recipe names or finds in a base, by the folder's name.

        Raises:
            PatchError: the base has no such folder, or several with a marker.
            ContentError: a layer of the base is truncated, altered or malformed.
            TransportError: a registry does not deliver.
        """
        from m2build.derivation.derive import base_sources  # importing codemods takes time

        with self._caching():
            return base_sources(base, recipe.roots, self.progress)

    @typed_arguments
    def plan(self, selection: Selection, base: Base, *, series: Series | None = None) -> Plan:
        """Decide an image: read the base's sources and apply the patches. Writes nothing but caches.

        Args:
            selection: which image of the recipe, as `recipe.select(tp=8)`.
            base: what to derive from, as `session.base(recipe)`.
            series: the patches to apply; None for the recipe's own.

        Raises:
            PatchError: the base has no sources at the source root, or a patch does not apply.
            LaunchError: the server, as patched, does not accept the profile's launch flags.
            ContentError: a layer of the base is truncated, altered or malformed.
            TransportError: a registry does not deliver.
            UsageError: the recipe names no series that exists, or `SOURCE_DATE_EPOCH` is not a number.
        """
        return self.plan_all([selection], base, series=series)[0]

    @typed_arguments
    def plan_all(
        self, selections: Sequence[Selection], base: Base, *, series: Series | None = None
    ) -> tuple[Plan, ...]:
        """What `plan` does, for several images of one recipe; the sources are read and patched once."""
        from m2build.derivation.remembered import plan_all

        with self._caching():
            return plan_all(selections, base, environment=self.environment, progress=self.progress, series=series)

    @typed_arguments
    def lock(
        self,
        selections: Sequence[Selection],
        base: str | Place | Base | None = None,
        *,
        series: Series | None = None,
        known: Lock | None = None,
    ) -> Lock:
        """Read a base, apply the patches, and note all digests that the images rest on.

        The layers are read to their ends, also those with a table of contents: other images will rest on the lock.

        Args:
            selections: which images, all of one recipe.
            base: where the base is, or the base itself; None for the recipe's.
            series: the patches to apply; None for the recipe's own.
            known: an earlier lock; its mirror is kept if the base is the same, and read if the base's own name is gone.

        Raises:
            UsageError: the selections are of several recipes; and what `base` and `plan` raise.
        """
        from m2build.base.model import Base
        from m2build.locking.made import lock_of
        from m2build.recipes.selections import common_recipe

        recipe = common_recipe(selections)
        at = base if isinstance(base, Base) else _recipe_and_place(recipe, base)[1]
        opened = at if isinstance(at, Base) else self._read_base(recipe, at, known)
        return lock_of(self.plan_all(selections, opened.read_whole(), series=series))

    @typed_arguments
    def shipment(
        self,
        selections: Sequence[Selection],
        base: str | Place | None = None,
        *,
        to: Destinations | str | None = None,
        engine: str | None = None,
        builder: str | None = None,
        series: Series | None = None,
        lock: Lock | None = None,
        locked: bool = False,
    ) -> Shipment:
        """Images of one recipe from base to destination, as `m2build image` makes them: `deliver()` or `foresee()`.

        Every destination is checked before the base is read, and no layer of the base is fetched twice.

        Args:
            selections: which images, all of one recipe.
            base: where the base is; None for the recipe's.
            to: where they go, and under which names; a place, as for `deliver`, or None for where the engine says.
            engine: `embedded`, `docker` or `podman`; None for the one that the destination asks for, else the first
                container engine that answers.
            builder: a builder of `docker buildx`.
            series: the patches to apply; None for the recipe's own.
            lock: what `lock` returned earlier: the base is taken by its digest, and its layers are not read.
            locked: whether a difference from the lock is refused; otherwise it is reported, and the layers are read.

        Raises:
            UsageError: the options contradict each other, or a name is not one.
            EngineError: the required engine is missing, or does not answer.
        """
        from m2build.delivery.destinations import Destinations, parse_goal
        from m2build.delivery.dispatch import dispatch
        from m2build.delivery.surroundings import Surroundings
        from m2build.engines.choice import EngineRequest

        to = to if isinstance(to, Destinations) else Destinations(to)
        goal = parse_goal(to)
        source = parsed_place(base) if base is not None else registry_place(selections[0].recipe.base.image)
        held = None
        if lock is not None:
            from m2build.locking.plans import HeldLock

            held = HeldLock(lock, is_strict=locked)
            source = held.pinned(source)
        request = EngineRequest(engine, builder, goal.place, goal.is_kept, source)
        access = self._access_to(source, goal.place)
        around = Surroundings(access, self.environment, self.progress, self._cache, self.insecure, self.publishing)
        return dispatch(
            selections, goal, request, around, platform=self.platform, series=series, replace=to.replace, held=held
        )

    @typed_arguments
    def deliver(
        self,
        plan: Plan,
        place: str | Place,
        *,
        name: str | None = None,
        engine: str | None = None,
        replace: bool = False,
    ) -> Delivery:
        """Make the image of a plan, and deliver it to a place.

        Layers of the base that reading its sources has fetched are fetched once more if they have to be copied;
        `shipment` keeps them.

        Args:
            plan: what decides the image.
            place: where it goes: a name in a registry, `oci:DIR[:TAG]`, `oci-archive:FILE`, `docker-archive:FILE`, or
                the store of an engine, `docker-daemon:NAME:TAG`.
            name: what to call it in a layout or an archive, `NAME[:TAG]`; None for `m2build/MODEL:PROFILE`.
            engine: `embedded`, `docker` or `podman`; None for the one that the place asks for.
            replace: whether an existing archive, or a tag of a layout that names another image, may be replaced.

        Raises:
            UsageError: something else is there, or the engine, the place and the base do not fit together.
            TransportError: the registry does not accept the image; its tag is unchanged.
            ContentError: a blob is not what it should be.
            EngineError: a container engine is missing, or fails.
            StorageError: the place cannot be written; nothing is left half-written.
            TransferBudgetError: more of the base would be copied into a registry than `publishing` allows.
        """
        from m2build.delivery.destinations import Destinations

        to = Destinations(str(place), () if name is None else [name], replace=replace)
        shipment = self.shipment([plan.selection], plan.base.place, to=to, engine=engine)
        with self._caching():
            return shipment.deliver_plan(plan)


def _recipe_and_place(source: Recipe | str | Place, place: str | Place | None) -> tuple[Recipe, Place]:
    from m2build.recipes.load import load_recipe
    from m2build.recipes.model import Recipe

    if isinstance(source, Recipe):
        return source, registry_place(source.base.image) if place is None else parsed_place(place)
    if place is not None:
        raise UsageError(
            f"the base is given twice: {source} and {place}", hint="give one place, or a recipe and a place"
        )
    return load_recipe(_RECIPE), parsed_place(source)


def _places_of(recipe: Recipe, sources: str | Place | Mapping[str, str | Place]) -> Mapping[str, str | Place]:
    """The place of each of a recipe's folders of sources, by the folder's name."""
    names = list(recipe.roots)
    places = sources if isinstance(sources, Mapping) else dict.fromkeys(names[:1], sources)
    if sorted(places) != sorted(names):
        raise UsageError(
            f"the recipe {recipe.name} has its sources in {len(names)} folders, {', '.join(names)}, "
            f"and places are given for {', '.join(places) if isinstance(sources, Mapping) else 'one'}",
            hint="give a place for each: NAME=PLACE",
        )
    return places
