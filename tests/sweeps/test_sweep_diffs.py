"""Sweep: what changed between published releases of SGLang, file by file, applied onto three releases.

Onto its own older release a diff gives the newer one's file, and again it has nothing to do; onto its newer release it
is there already; onto another one it does what `git apply` does.
"""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

import pytest
from helpers.patches.held_to_git import hold_to_git
from helpers.patches.made_diffs import git_diff_of
from helpers.patches.trees import contents

from m2build.patches.change import Finding, changed_tree
from m2build.patches.codemods.unified_diff import UnifiedDiff
from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.patches.tree import SourceTree

pytestmark = pytest.mark.sweep

PAIRS = {("0.5.6", "0.5.7"): 611, ("0.5.7", "0.5.8"): 557}
"""Two releases and how many of their files differ."""
RELEASES = ("0.5.6", "0.5.7", "0.5.8")
CASES = sum(PAIRS.values()) * len(RELEASES)
CHUNKS = 4


@cache
def tree_of(release: str) -> SourceTree:
    return from_wheel(fetch_wheel(f"sglang=={release}"))


@cache
def diff_of(old: str, new: str, *options: str) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        return git_diff_of(tree_of(old), tree_of(new), Path(name), *options)


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("pair", PAIRS)
def test_the_diff_of_each_file(pair: tuple[str, str], chunk: int) -> None:
    old, new = pair
    diffs = re.split(rb"^(?=diff --git )", diff_of(old, new, "--no-renames"), flags=re.MULTILINE)[1:]
    assert len(diffs) == PAIRS[pair]
    for diff in diffs[chunk::CHUNKS]:
        codemod = UnifiedDiff.of(diff)
        rewrite = codemod.apply(tree_of(old))
        assert (rewrite.finding, rewrite.mentions) == (Finding.CHANGED, ()), rewrite
        after = changed_tree(tree_of(old), rewrite.changes)
        (path,) = {change.path for change in rewrite.changes}
        found, wanted = after.get(path), tree_of(new).get(path)
        assert (found and found.content) == (wanted and wanted.content), path
        for done in (after, tree_of(new)):
            assert codemod.apply(done).finding in (Finding.ALREADY_APPLIED, Finding.ABSENT), path
        for other in set(RELEASES) - set(pair):
            only = {name: file for name, file in tree_of(other).items() if name in (path, "sglang/__init__.py")}
            hold_to_git(diff, SourceTree(only, origin="test"))


@pytest.mark.parametrize("pair", PAIRS)
def test_the_diff_of_a_whole_release_with_renames_and_copies(pair: tuple[str, str]) -> None:
    old, new = pair
    codemod = UnifiedDiff.of(diff_of(old, new, "-C"))
    rewrite = codemod.apply(tree_of(old))
    after = changed_tree(tree_of(old), rewrite.changes)
    assert contents(after) == contents(tree_of(new))
    assert codemod.apply(after).finding is Finding.ALREADY_APPLIED
