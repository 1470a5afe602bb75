"""Drift as a page: for an issue, or for a summary of a pipeline. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from m2build.documents.arguments import typed_arguments
from m2build.drift.model import Drift, PatchDrift, ReleaseDrift
from m2build.patches.markdown import code, plain


@typed_arguments
def drift_markdown(drift: Drift) -> str:
    """A table of releases and patches, and below it what a person should look at. The same drift gives the same page.

    It is CommonMark with GitHub's tables.
    """
    return "".join(f"{line}\n" for line in _lines(drift))


def _lines(drift: Drift) -> Iterator[str]:
    yield f"# What {drift.series} does on {plain(drift.requirement)}"
    yield ""
    if drift.locked is not None:
        yield f"Compared with the lock, which is of the release {plain(drift.locked)}."
        yield ""
    yield from _table(drift)
    for release in drift.releases:
        if points := list(_points(release)):
            yield ""
            yield f"## {plain(release.release)}"
            yield ""
            yield from points


def _table(drift: Drift) -> Iterator[str]:
    names = list(dict.fromkeys(patch.patch for release in drift.releases for patch in release.patches))
    yield "| release | needs | " + "".join(f"{name} | " for name in names) + "advice |"
    yield "| --- | --- | " + "--- | " * len(names) + "--- |"
    for release in drift.releases:
        outcomes = {patch.patch: str(patch.outcome) for patch in release.patches}
        cells = [plain(release.release), str(release.need), *(outcomes.get(name, "") for name in names)]
        changed = "**differs from the lock**; " * bool(release.deviations)
        yield f"| {' | '.join(cells)} | {changed}{plain(release.advice)} |"


def _points(release: ReleaseDrift) -> Iterator[str]:
    if release.problem:
        yield f"- {plain(release.problem)}."
    for deviation in release.deviations:
        yield f"- **Differs from the lock:** {plain(str(deviation))}."
    for patch in release.patches:
        yield from _patch(patch)


def _patch(patch: PatchDrift) -> Iterator[str]:
    if not patch.is_needed:
        yield f"- {patch.patch}: {patch.outcome}: {plain(patch.detail)}."
    if patch.drop_now:
        yield f"- **Drop {patch.patch} now:** {plain(patch.drop_now)}."
    if patch.importers:
        yield f"- {patch.patch} rewrites importers: {', '.join(map(code, patch.importers))}."
    if patch.is_needed and patch.upstream:
        yield f"- {patch.patch} is needed until this change upstream: {plain(patch.upstream)}."
    for mention in (*patch.hunks, *patch.offsets, *patch.relevance):
        yield f"- {patch.patch}: {plain(str(mention))}."
