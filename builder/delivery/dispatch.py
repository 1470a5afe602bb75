"""From options to a shipment: which engine, and where each image goes. Reads nothing of the base, writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from m2build.delivery.destination import Goal
from m2build.delivery.job import Job
from m2build.delivery.shipment import Shipment
from m2build.delivery.surroundings import Surroundings
from m2build.delivery.target import target_of
from m2build.engines.choice import EngineRequest, choose_engine
from m2build.places.place import PlaceKind

if TYPE_CHECKING:
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

    Raises:
        UsageError: the options contradict each other.
        EngineError: the required engine is missing, or does not answer.
    """
    engine, access = choose_engine(request, surroundings.progress), surroundings.access
    platform = platform or selections[0].recipe.base.platform
    jobs = [
        Job(selection, to, target_of(to, access, base=request.base, platform=platform, may_replace=replace))
        for selection, to in zip(selections, goal.of(selections, engine.store), strict=True)
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
    )
