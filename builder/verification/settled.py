"""Patches that have done all that they do: run again on what they leave, they find nothing more."""

from __future__ import annotations

from collections.abc import Iterator

from m2build.patches.change import changed_tree
from m2build.patches.changeset import Changeset, Outcome, apply_series
from m2build.patches.tree import SourceTree
from m2build.verification.findings import Finding


def settled_findings(changeset: Changeset, tree: SourceTree) -> Iterator[Finding]:
    """What a changeset's series still finds in the tree that it leaves. Pure.

    Args:
        changeset: what the series does to a tree.
        tree: that tree, before it.
    """
    again = apply_series(changeset.series, changed_tree(tree, changeset.changes))
    for result in again.results:
        if result.changes or result.outcome is Outcome.CONFLICT:
            yield Finding("patch-unsettled", result.patch.id, f"run again, it is not done: {result.detail}")
