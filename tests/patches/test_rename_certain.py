"""`RenameModule` edits what can only be the module, leaves what cannot be it, and lists the rest."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.patches.certain import CASES, FORKS, RUN, Case
from helpers.patches.trees import changed, tree_of, write

from m2build.patches.change import Finding


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """What `use.result` is before and after, from one Python that starts a new one for each tree."""
    folders: list[Path] = []
    for number, case in enumerate(RUN):
        tree = tree_of(case.files)
        top = tmp_path_factory.mktemp(f"case{number}")
        folders += [write(tree, top / "before"), write(changed(case.rename, tree)[0], top / "after")]
    command = [sys.executable, "-I", "-B", "-c", FORKS, *map(str, folders)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {case.name: pair for case, *pair in zip(RUN, lines[::2], lines[1::2], strict=True)}  # type: ignore[misc]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in RUN])
def test_what_is_certain_is_right_and_nothing_is_told(case: Case, results: dict[str, tuple[str, str]]) -> None:
    before, after = results[case.name]
    assert "Error" not in before
    assert after == before
    renamed, rewrite = changed(case.rename, tree_of(case.files))
    walk = ["a/c/load.py:2"] if case.kind == "moves" else []  # it imports all that is in the package that was left
    assert [f"{found.path}:{found.line}" for found in rewrite.mentions] == walk
    if case.kind == "keeps":
        assert renamed["use.py"] == tree_of(case.files)["use.py"]
    assert case.rename.apply(renamed).finding is Finding.ALREADY_APPLIED


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.kind == "tells"])
def test_what_may_be_the_module_is_told_with_its_reason(case: Case) -> None:
    """At its line, and the line stays as it is."""
    tree = tree_of(case.files)
    renamed, rewrite = changed(case.rename, tree)
    assert [f"{found.path}:{found.line}" for found in rewrite.mentions] == case.told.split()
    for found in rewrite.mentions:
        assert found.reason
        assert found.line
        assert renamed[found.path].content.splitlines()[found.line - 1].decode().strip() == found.text
        assert found.text.encode() in tree[found.path].content


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.kind == "conflict"])
def test_what_cannot_follow_is_a_conflict(case: Case) -> None:
    rewrite = case.rename.apply(tree_of(case.files))
    assert (rewrite.finding, rewrite.changes) == (Finding.CONFLICT, ())
    assert re.match(r"use\.py:\d+: ", rewrite.detail)
    assert case.told in rewrite.detail


def test_every_kind_has_cases() -> None:
    assert {case.kind for case in CASES} == {"follows", "keeps", "moves", "tells", "conflict"}
