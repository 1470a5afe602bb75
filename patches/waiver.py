"""The page that reviewers ask for: what is patched, why, what upstream says, when each patch goes, and the hashes.

It is Markdown (CommonMark with GitHub's tables), and the same changeset gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from m2build import __version__
from m2build.patches.markdown import code, plain
from m2build.patches.patch import ALREADY_APPLIED, Patch

if TYPE_CHECKING:
    from m2build.patches.change import FileChange
    from m2build.patches.changeset import Changeset, PatchResult
    from m2build.patches.tree import SourceFile

_NOTHING = "—"


def waiver(changeset: Changeset) -> str:
    """The page for a changeset, for people who decide whether its patches may be used.

    Example:
        >>> from m2build.patches import SourceTree, apply_series, load_series
        >>> tree = SourceTree.of({"sglang/__init__.py": "__version__ = '0.4.0'"})
        >>> print(waiver(apply_series(load_series("minimax-m2-rocm"), tree)).splitlines()[0])
        # Patches of minimax-m2-rocm on sglang 0.4.0
    """
    return "".join(f"{line}\n" for line in _lines(changeset))


def _lines(changeset: Changeset) -> Iterator[str]:
    series = changeset.series
    on = f"{series.distribution} {changeset.release}" if changeset.release else series.distribution
    yield f"# Patches of {series.id} on {on}"
    yield ""
    yield f"{plain(series.summary)}. Tried by m2build {__version__} on {code(changeset.origin)}."
    yield ""
    yield "| patch | outcome | files | goes |"
    yield "| --- | --- | ---: | --- |"
    for result in changeset.results:
        goes = f"now: {result.drop_now}" if result.drop_now else drop_condition(result.patch)
        yield f"| {result.patch.id} | {result.outcome} | {len(result.changes)} | {plain(goes)} |"
    for result in changeset.results:
        yield ""
        yield from _patch(result)
    yield ""
    yield "## Every file that differs"
    yield ""
    yield from _files(changeset.changes)


def _patch(result: PatchResult) -> Iterator[str]:
    patch = result.patch
    yield f"## {patch.id}: {plain(patch.summary)}"
    yield ""
    yield "Without it:"
    yield ""
    yield from (f"> {plain(line)}".rstrip() for line in patch.why.strip().splitlines())
    yield ""
    yield f"- Outcome: {result.outcome}. {plain(result.detail)}."
    if result.drop_now:
        yield f"- **Drop it now:** {plain(result.drop_now)}."
    yield f"- Goes: {plain(drop_condition(patch))}."
    yield f"- For the releases: {code(patch.releases) if patch.releases else 'all'}."
    yield f"- Upstream: {plain(upstream_state(patch))}."
    yield from (f"- See <{reference}>" for reference in patch.references)
    yield f"- Author: {plain(patch.author)}, last changed on {patch.last_update}."
    yield f"- Made by the codemod {code(patch.codemod)} with {code(json.dumps(patch.parameters, sort_keys=True))}."
    for mention in result.mentions:
        yield f"- To look at: {plain(str(mention))}"


def _files(changes: tuple[FileChange, ...]) -> Iterator[str]:
    if not changes:
        yield "None."
        return
    yield "| file | SHA-256 before | SHA-256 after |"
    yield "| --- | --- | --- |"
    for change in changes:
        yield f"| {plain(str(change))} | {_digest(change.before)} | {_digest(change.after)} |"


def drop_condition(patch: Patch) -> str:
    """When a patch goes, in a few words."""
    if patch.drop_when is None:
        return "no condition is set"
    if patch.drop_when == ALREADY_APPLIED:
        return "when the sources have it already"
    return f"with {patch.drop_when}"


def upstream_state(patch: Patch) -> str:
    """What upstream says of a patch, in a few words."""
    applied = f"applied there ({patch.applied_upstream})" if patch.applied_upstream else "not known to be applied there"
    known = {"no": "not forwarded", "not-needed": "need not be forwarded"}
    forwarded = known.get(patch.forwarded, f"forwarded to {patch.forwarded}")
    return "; ".join([applied, forwarded, *([f"from {patch.origin}"] if patch.origin else [])])


def _digest(file: SourceFile | None) -> str:
    return code(file.sha256) if file else _NOTHING
