"""`m2build ci`: a workflow from the lock in the repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout, quickly
from helpers.commands import refused
from helpers.pipelines.jobs import documents

NAME = "registry.example/team/m2:{profile}"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a recipe, and the lock of two profiles beside it."""
    monkeypatch.chdir(tmp_path)
    checkout(tmp_path / "tree")
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes/mine.yaml").write_text("extends: minimax-m2\n")
    quickly("lock", "--recipe", "recipes/mine.yaml", "--tp", "4", "--tp", "8", "--base", "dir:tree")
    return tmp_path


def test_the_workflow_builds_what_the_lock_has(repository: Path) -> None:
    printed = quickly("ci", "gitlab", "--recipe", "recipes/mine.yaml", "-t", NAME)
    (document,) = documents(printed)
    (script,) = document["publish"]["script"]
    assert (
        "  --recipe recipes/mine.yaml \\\n  --model minimax-m2.1 \\\n  --profile tp4 \\\n  --profile tp8 \\\n" in script
    )
    assert "  --lock recipes/m2build.lock --locked \\\n  -t 'registry.example/team/m2:{profile}' \\\n" in script
    assert "--release 'sglang>0.5.7'" in document["drift"]["script"][0]
    narrow = quickly(
        "ci", "gitlab", "--recipe", "recipes/mine.yaml", "--tp", "8", "--release", "sglang>=0.6", "-t", NAME
    )
    assert "tp4" not in narrow
    assert "--release 'sglang>=0.6'" in narrow


def test_what_does_not_fit_the_lock_is_refused(repository: Path) -> None:
    assert refused(2, "ci").splitlines()[0].endswith("missing argument '{github|gitlab|tekton}'")
    assert "there is no lock m2build.lock" in refused(2, "ci", "github", "-t", NAME)
    lock = ("--lock", "recipes/m2build.lock")
    other = ("ci", "github", "--recipe", "minimax-m2.5")
    assert "is the lock of the recipe minimax-m2, not of minimax-m2.5" in refused(2, *other, *lock, "-t", NAME)
    (repository / "recipes/mine.yaml").write_text("extends: minimax-m2\nprofiles: {big: {extends: tp8}}\n")
    mine = ("ci", "github", "--recipe", "recipes/mine.yaml")
    assert "the lock has no image of minimax-m2.1 with profile big" in refused(2, *mine, "--profile", "big", "-t", NAME)
    assert "there is no field 'nothing'" in refused(2, *mine, "-t", "registry.example/m2:{nothing}")
