"""The plan of one image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from m2build.base.model import Base
from m2build.derivation.applied import applied_series
from m2build.derivation.derive import derive_all
from m2build.derivation.plan import Plan
from m2build.patches.changeset import PatchResult
from m2build.patches.series import Series
from m2build.progress import Progress
from m2build.recipes.model import Selection


def derive(
    selection: Selection,
    base: Base,
    *,
    environment: Mapping[str, str],
    progress: Progress,
    series: Series | None = None,
) -> Plan:
    """The plan of a selection and a base, made without any cache of results."""
    applied = applied_series(selection.recipe, series)
    plans, _ = derive_all([selection], base, environment=environment, progress=progress, series=applied)
    return plans[0]


def with_results(plan: Plan, results: tuple[PatchResult, ...]) -> Plan:
    """The plan with other results in its only changeset."""
    (source,) = plan.sources
    return replace(plan, sources=(replace(source, changeset=replace(source.changeset, results=results)),))
