"""docs/pipelines.md: its excerpts are what is written, and its workflow is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.checkout import ROOT
from helpers.pipelines.jobs import documents
from helpers.pipelines.schemas import actionlint, problems, vendored

from m2build.pipelines import Pipeline, render_pipeline

PAGE = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
EXCERPT, WORKFLOW = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ACTION = documents((ROOT / "action.yml").read_text(encoding="utf-8"))[0]


def test_the_issue_on_gitlab_is_opened_as_the_page_shows() -> None:
    pipeline = Pipeline(names=("registry.example/m2",), profiles=("tp8",), releases=("sglang>0.5.7",))
    assert EXCERPT in render_pipeline(pipeline, "gitlab")


def test_the_workflow_with_the_action_is_one(tmp_path: Path) -> None:
    (tmp_path / "images.yml").write_text(WORKFLOW)
    assert actionlint(tmp_path / "images.yml") == ""
    (document,) = documents(WORKFLOW)
    assert problems(vendored("github-workflows"), document) == []
    (step,) = (step for step in document["jobs"]["images"]["steps"] if "m2build" in step.get("uses", ""))
    assert step["with"].keys() <= ACTION["inputs"].keys()
    assert {name for name, entry in ACTION["inputs"].items() if entry["required"]} <= step["with"].keys()


def test_every_input_is_on_the_page() -> None:
    table = PAGE.partition("| input | meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z-]+)`", "".join(re.findall(r"^\| (.+?) \|", table, re.MULTILINE)))) == set(
        ACTION["inputs"]
    )


@pytest.mark.parametrize("name", ["digest", "imageid", "metadata", "images"])
def test_every_output_is_on_the_page(name: str) -> None:
    assert name in ACTION["outputs"]
    assert f"`{name}`" in PAGE
