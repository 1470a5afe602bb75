"""Numbered patch files with a DEP-3 header, and the `series` file that orders them (quilt's layout).

DEP-3, "Patch Tagging Guidelines": https://dep-team.pages.debian.net/deps/dep3/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from m2build.patches.diff import git_diff

if TYPE_CHECKING:
    from m2build.patches.changeset import Changeset, PatchResult


def patch_files(changeset: Changeset) -> dict[str, bytes]:
    """`0001-ID.patch` … for each patch that changes something, each on top of the one before, and `series`."""
    applied = [result for result in changeset.results if result.changes]
    files = {f"{number:04}-{result.patch.id}.patch": _patch_file(result) for number, result in enumerate(applied, 1)}
    return files | {"series": "".join(f"{name}\n" for name in files).encode()}


def checksum(digest: str, path: str) -> str:
    """A line for `sha256sum --check`, whose escape for odd names is a leading backslash (coreutils manual)."""
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == path else chr(92)}{digest}  {escaped}"


def _patch_file(result: PatchResult) -> bytes:
    header = "".join(f"{line}\n" for line in _header(result))
    return header.encode(errors="surrogateescape") + b"---\n" + git_diff(result.changes)


def _header(result: PatchResult) -> Iterator[str]:
    patch = result.patch
    yield f"Description: {patch.summary}"
    yield from _continued(patch.why)
    yield f"Author: {patch.author}"
    yield f"Origin: {patch.origin or 'vendor'}"
    for reference in patch.references:
        yield f"Bug: {reference}"
    yield f"Forwarded: {patch.forwarded}"
    if patch.applied_upstream:
        yield f"Applied-Upstream: {patch.applied_upstream}"
    yield f"Last-Update: {patch.last_update}"
    yield f"X-M2build-Codemod: {patch.codemod} {json.dumps(patch.parameters, sort_keys=True)}"
    yield f"X-M2build-Releases: {patch.releases}"
    yield "X-M2build-Pre-SHA256:"
    yield from (f" {checksum(change.before.sha256, change.old_path)}" for change in result.changes if change.before)
    yield "X-M2build-Post-SHA256:"
    yield from (f" {checksum(change.after.sha256, change.path)}" for change in result.changes if change.after)


def _continued(text: str) -> Iterator[str]:
    """The lines of a long description: each after one space, empty ones as a lone full stop."""
    for line in text.rstrip().splitlines():
        yield f" {line}" if line.strip() else " ."
