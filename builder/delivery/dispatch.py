"""From options to a shipment: which engine, and where each image goes. Reads nothing of the base, writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from m2build.delivery.destinations import Goal, Values
from m2build.delivery.job import Job
from m2build.delivery.shipment import Shipment
from m2build.delivery.surroundings import Surroundings
from m2build.delivery.target import target_of
from m2build.engines.choice import EngineRequest, choose_engine
from m2build.oci.digest import Digest
from m2build.oci.reference import parse_reference
from m2build.places.place import ARCHIVES, SOURCES, Place, PlaceKind

if TYPE_CHECKING:
    from m2build.locking.plans import HeldLock
    from m2build.patches.series import Series
    from m2build.recipes.model import Selection


def dispatch(
    selections: Sequence[Selection],
    goal: Goal,
    request: EngineRequest,
    surroundings: Surroundings,
    *,
    platform: str | None,
    series: Series | None,
    replace: bool,
    held: HeldLock | None = None,
) -> Shipment:
    """The shipment of selections of one recipe.

    Args:
        selections: which images.
        goal: where they go, and what they are called.
        request: what decides the engine, and where the base is.
        surroundings: how registries, caches and the user are reached.
        platform: `os/architecture[/variant]` of the base; None for the recipe's.
        series: the patches to apply; None for the recipe's own.
        replace: whether an existing file, or a tag of a layout that names another image, may be replaced.
        held: a lock; or None.

    Raises:
        UsageError: the options contradict each other, or two images would have one name.
        EngineError: the required engine is missing, or does not answer.
    """
    engine = choose_engine(request, surroundings.progress)
    platform = platform or selections[0].recipe.base.platform
    holders = _holders(request.base, held)
    jobs = [
        Job(selection, to, target_of(to, surroundings, holders=holders, platform=platform, may_replace=replace))
        for selection, to in goal.of(selections, engine.store, name_values(request.base, series))
    ]
    return Shipment(
        source=request.base,
        jobs=jobs,
        engine=engine,
        platform=platform,
        surroundings=surroundings,
        series=series,
        may_replace=replace,
        is_thin=engine.copies and goal.place is None and request.base.kind is PlaceKind.REGISTRY,
        held=held,
    )


def _holders(base: Place, held: HeldLock | None) -> list[str]:
    """The names in registries that have the base's layers."""
    mirror = held.mirror(base) if held else None
    return [base.location] * (base.kind is PlaceKind.REGISTRY) + ([mirror.name] if mirror else [])


def name_values(base: Place, series: Series | None) -> Values:
    """What stands in an image's name for each field."""

    def values(selection: Selection) -> Mapping[str, str | None]:
        from m2build.derivation.applied import applied_series

        applied = applied_series(selection.recipe, series)
        content = "\n".join(f"{name} {one.model_dump_json()}" for name, one in sorted(applied.items()))
        return {
            "base_tag": _tag(base),
            "model": selection.model_id,
            "profile": selection.profile_id,
            "series": Digest.of(content.encode()).hex[:12],
        }

    return values


def _tag(base: Place) -> str | None:
    if base.kind in SOURCES:
        return None
    if base.kind in (PlaceKind.OCI, *ARCHIVES):
        return base.tag and base.tag.rpartition(":")[2]
    return parse_reference(base.location).tag
