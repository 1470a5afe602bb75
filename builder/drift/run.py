"""Trying a series on published releases, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from m2build.documents.arguments import typed_arguments
from m2build.drift.judging import judged, locked_source, not_judged
from m2build.drift.model import Drift, ReleaseDrift
from m2build.errors import ContentError, PatchError, TransportError, UsageError
from m2build.patches.changeset import apply_series
from m2build.patches.published import parse_requirement, published_releases, same_distribution
from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.progress import Logged, Progress
from m2build.registry.parallel import in_parallel

if TYPE_CHECKING:
    from m2build.errors import M2BuildError
    from m2build.locking.model import Lock, LockedSource
    from m2build.patches.series import Series

PARALLEL = 4
"""How many releases are fetched and tried at a time."""
Result = TypeVar("Result")


@typed_arguments
def try_releases(
    series: Series, requirement: str, *, lock: Lock | None = None, progress: Progress | None = None
) -> Drift:
    """Try a series on every published release that a requirement allows.

    Wheels are fetched by pip, and kept in the cache; nothing else is written. A release whose patches cannot be tried,
    because a file does not parse or the wheel is malformed or gone, is among the results with its problem.

    Args:
        series: the series.
        requirement: which releases, as `sglang>=0.5.4`; the name is the series' distribution.
        lock: a lock to compare with.
        progress: receives a step for each release.

    Raises:
        UsageError: no release is meant, the requirement names another distribution than the series, the lock has no
            sources with this series, or a codemod of the series does not exist.
        TransportError: the package index does not deliver.
        BaseChangedError: the index has another wheel for a release that m2build pins.
        StorageError: the cache cannot be written.
    """
    series = series_for(requirement, [series])
    locked = locked_source(series, lock) if lock else None
    told = Logged(progress)
    releases = published_releases(requirement)
    told.step(f"trying {series.id} on {series.distribution} {', '.join(releases)}")

    def attempt(release: str) -> ReleaseDrift:
        found = _attempt(series, release, locked)
        told.step(f"tried {series.distribution} {release}: {found.need}")
        return found

    results = in_contexts(attempt, releases)
    known = (locked.release or "unknown") if locked else None
    return Drift(series=series.id, requirement=requirement, locked=known, releases=tuple(results))


def in_contexts(job: Callable[[str], Result], names: Sequence[str]) -> list[Result]:
    """Run a job for each name, four at a time, in the caller's context: the cache folder may be chosen there."""
    contexts = {name: copy_context() for name in names}
    return in_parallel(lambda name: contexts[name].run(job, name), names, threads=PARALLEL, stop=threading.Event())


@typed_arguments
def series_for(requirement: str, candidates: Sequence[Series]) -> Series:
    """The series that patches the distribution which a requirement names.

    Args:
        requirement: as for `try_releases`.
        candidates: the series of a recipe, for instance.

    Raises:
        UsageError: the requirement has another form, or not exactly one of the series patches that distribution.
    """
    name = parse_requirement(requirement).name
    fitting = {series.id: series for series in candidates if same_distribution(series.distribution, name)}
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    known = ", ".join(f"{series.id} for {series.distribution}" for series in candidates)
    count = "several series patch" if fitting else "no series patches"
    raise UsageError(f"{count} {name}; there is {known}", hint="name the series with --series")


def _attempt(series: Series, release: str, locked: LockedSource | None) -> ReleaseDrift:
    try:
        changeset = apply_series(series, from_wheel(fetch_wheel(f"{series.distribution}=={release}")))
    except (PatchError, ContentError, TransportError) as error:
        return not_judged(release, series, of_one(error), locked)
    return judged(release, changeset, locked)


def of_one(error: M2BuildError) -> M2BuildError:
    """A failure, if it is about one release or base: what it has does not fit, or the release itself is gone.

    Raises:
        TransportError: the failure itself: the index or the registry does not deliver, so no other release would do.
    """
    if isinstance(error, TransportError) and not error.is_missing:
        raise error
    return error
