"""From a changeset to what it means for a release. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from m2build.drift.model import Deviation, Need, PatchDrift, ReleaseDrift
from m2build.errors import UsageError
from m2build.patches.change import MentionKind

if TYPE_CHECKING:
    from m2build.errors import M2BuildError
    from m2build.locking.model import Lock, LockedSource
    from m2build.patches.changeset import Changeset, PatchResult
    from m2build.patches.series import Series

_HUNKS = (MentionKind.APPLIES, MentionKind.THERE, MentionKind.MISSING, MentionKind.NEAREST)
_RELEVANCE = (MentionKind.RELEVANT, MentionKind.NOT_RELEVANT, MentionKind.MAYBE_RELEVANT)
_RENAMES = "rename-module"
"""The codemod that rewrites importers."""
_MISSING = "missing"
_PROBLEM = "not judged"


def locked_source(series: Series, lock: Lock) -> LockedSource:
    """What a lock says of the sources to which a series is applied.

    Raises:
        UsageError: it has none with that series.
    """
    for source in lock.sources.values():
        if source.series == series.id:
            return source
    known = ", ".join(source.series for source in lock.sources.values())
    raise UsageError(
        f"the lock has no sources with the series {series.id}: it has {known}",
        hint="give the series or the recipe that the lock was made for",
    )


def judged(
    release: str, changeset: Changeset, locked: LockedSource | None, *, digest: str | None = None
) -> ReleaseDrift:
    """What a changeset means for the release that it is of.

    Args:
        release: the release.
        changeset: the series on it, whether its patches pass or not.
        locked: what the lock says of these sources, if there is a lock.
        digest: of the image that the sources are from, if they are from one.
    """
    patches = tuple(map(_patch, changeset.results))
    need = _need(patches)
    advice = "; ".join(_advice(need, patches))
    found = {patch.patch: _state(patch.outcome, patch.drop_now) for patch in patches}
    deviations = _deviations(found, locked)
    return ReleaseDrift(
        release=release,
        version=changeset.release,
        digest=digest,
        need=need,
        advice=advice,
        problem=None,
        patches=patches,
        deviations=deviations,
    )


def not_judged(
    release: str, series: Series, error: M2BuildError, locked: LockedSource | None, *, digest: str | None = None
) -> ReleaseDrift:
    """A release of which the patches could not be tried."""
    found = {patch.id: _PROBLEM for patch in series.patches}
    return ReleaseDrift(
        release=release,
        version=None,
        digest=digest,
        need=Need.UNCLEAR,
        advice="look first: the patches could not be tried",
        problem=error.message,
        patches=(),
        deviations=_deviations(found, locked),
    )


def _patch(result: PatchResult) -> PatchDrift:
    renames = result.patch.codemod == _RENAMES
    apart = {MentionKind.MOVED, *_HUNKS, *_RELEVANCE}
    return PatchDrift(
        patch=result.patch.id,
        outcome=result.outcome,
        detail=result.detail,
        passes=result.passes,
        files=tuple(change.path for change in result.changes),
        importers=tuple(change.path for change in result.changes if renames and not change.renamed),
        offsets=tuple(mention for mention in result.mentions if mention.kind is MentionKind.MOVED),
        hunks=tuple(mention for mention in result.mentions if mention.kind in _HUNKS),
        relevance=tuple(mention for mention in result.mentions if mention.kind in _RELEVANCE),
        mentions=tuple(mention for mention in result.mentions if mention.kind not in apart),
        upstream=str(result.patch.upstream) if result.patch.upstream else None,
        drop_now=result.drop_now,
    )


def _need(patches: Sequence[PatchDrift]) -> Need:
    if any(patch.is_stuck for patch in patches):
        return Need.UNCLEAR
    needed = sum(patch.is_needed for patch in patches)
    if needed == 0:
        return Need.NONE
    return Need.ALL if needed == len(patches) else Need.SOME


def _advice(need: Need, patches: Sequence[PatchDrift]) -> Iterator[str]:
    needed = ", ".join(patch.patch for patch in patches if patch.is_needed)
    match need:
        case Need.ALL:
            yield "needs all patches"
        case Need.SOME:
            yield f"needs {needed}"
        case Need.NONE:
            yield "use the stock image"
        case Need.UNCLEAR:
            stuck = ", ".join(f"{patch.patch} ({patch.outcome})" for patch in patches if patch.is_stuck)
            yield f"look first: {stuck}" + f"; needs {needed}" * bool(needed)
    if need is Need.SOME:
        for patch in patches:
            if not patch.passes:
                yield f"{patch.patch} does not accept {patch.outcome}, and stops the series: take it out"
    if drop := ", ".join(patch.patch for patch in patches if patch.drop_now):
        yield f"drop now: {drop}"


def _deviations(found: Mapping[str, str], source: LockedSource | None) -> tuple[Deviation, ...]:
    if source is None:
        return ()
    locked = {name: _state(patch.outcome, patch.drop_now) for name, patch in source.patches.items()}
    states = ((name, locked.get(name, _MISSING), found.get(name, _MISSING)) for name in {**found, **locked})
    return tuple(Deviation(patch=name, locked=was, found=now) for name, was, now in states if was != now)


def _state(outcome: str, drop_now: str | None) -> str:
    """What is compared with the lock: details such as line numbers may differ from release to release."""
    return f"{outcome}, drop it now" if drop_now else str(outcome)
