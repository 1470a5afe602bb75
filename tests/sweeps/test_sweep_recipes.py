"""Hostile recipes, series and overrides: each is refused in one clear message, or gives exactly what it says."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from helpers.bases import SOURCES
from helpers.patches.trees import tree_of
from helpers.recipes.servers_argparse import read_all
from helpers.rendering.dockerfiles import instructions, labels_of, only, plan_for
from helpers.sweeps.hostile_recipes import hostile_overrides, hostile_recipe, hostile_series

from m2build.derivation.image import build
from m2build.errors import PatchError, UsageError
from m2build.patches.changeset import apply_series
from m2build.patches.loading import load_series
from m2build.patches.patch_files import patch_files
from m2build.patches.registry import load_codemods
from m2build.patches.series import Series
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Recipe, Selection
from m2build.rendering.context import render

Loaded = TypeVar("Loaded")

pytestmark = pytest.mark.sweep

RECIPES, SERIES, OVERRIDES = 600, 300, 300
CASES = RECIPES + SERIES + OVERRIDES
CHUNK = 50
SECONDS = 5.0
"""Of a processor, for one case; twenty are promised."""
TREE = tree_of({f"sglang/srt/models/{name}": content for name, content in SOURCES.items()})
PLAN = plan_for()
KINDS = [instruction.cmd for instruction in instructions(render(PLAN))]


def chunks(count: int) -> list[range]:
    return [range(start, start + CHUNK) for start in range(0, count, CHUNK)]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine.yaml"


def answer(load: Callable[[], Loaded], case: str) -> Loaded | None:
    """What was loaded, or None if it was refused properly: for the one reason, and in few lines."""
    began = time.process_time()
    message = "nothing is wrong"
    found = None
    try:
        found = load()
    except UsageError as error:
        message = str(error)
    except Exception as error:
        raise AssertionError(f"{case}: {error!r}") from error
    assert time.process_time() - began < SECONDS, case
    lines = message.split("\n")
    assert message, case
    assert len(lines) <= 21, (case, message)
    assert max(map(len, lines)) < 600, (case, message)
    return found


def check_recipe(recipe: Recipe | None, case: str) -> None:
    """A recipe's images start the server with the recipe's command line, with every engine."""
    if recipe is None:
        return
    every = [(model, profile) for model in recipe.models for profile in recipe.profiles]
    for model, profile in every[:2]:
        selection = Selection(recipe, profile, model)
        launch = selection.recipe.launch
        values = {launch.model_flag: selection.model.repo, **selection.profile.flags}
        words = selection.command[len(launch.command) :]
        read = read_all(words, values)
        assert read == values, case
        assert [*map(type, read.values())] == [*map(type, values.values())], case
        check_image(selection, case)


def check_image(selection: Selection, case: str) -> None:
    plan = replace(PLAN, selection=selection)
    runtime = json.loads(build(plan).config.raw)["config"]
    assert runtime["Entrypoint"] == list(selection.entrypoint), case
    assert runtime["Healthcheck"]["Interval"] < 2**63, case
    try:
        parsed = instructions(render(plan))
    except UsageError:  # a character that no Dockerfile can say
        return
    assert [instruction.cmd for instruction in parsed] == KINDS, case
    assert list(only(parsed, "ENTRYPOINT").value) == list(selection.entrypoint), case
    assert labels_of(parsed).items() >= plan.labels.items(), case


def check_series(series: Series | None, case: str) -> None:
    """In every patch file, git finds all changes, and none in the header."""
    if series is None:
        return
    try:
        changeset = apply_series(series, TREE, load_codemods()).checked()
    except (UsageError, PatchError):
        return
    files = [content for name, content in patch_files(changeset).items() if name != "series"]
    results = [result for result in changeset.results if result.changes]
    for result, content in zip(results, files, strict=True):
        run = subprocess.run(["git", "apply", "--numstat"], input=content, capture_output=True, check=False)
        assert len(run.stdout.splitlines()) == len(result.changes), (case, run.stderr)


@pytest.mark.parametrize("seeds", chunks(RECIPES), ids=lambda seeds: f"{seeds.start}")
def test_hostile_recipes(seeds: range, file: Path) -> None:
    for seed in seeds:
        file.write_bytes(hostile_recipe(seed).encode("utf-8", "surrogatepass"))
        check_recipe(answer(lambda: load_recipe("./mine.yaml"), f"recipe {seed}"), f"recipe {seed}")


@pytest.mark.parametrize("seeds", chunks(OVERRIDES), ids=lambda seeds: f"{seeds.start}")
def test_hostile_overrides(seeds: range) -> None:
    for seed in seeds:
        overrides = hostile_overrides(seed)
        case = f"{seed}: {overrides}"
        check_recipe(answer(partial(load_recipe, "minimax-m2", overrides), case), case)


@pytest.mark.parametrize("seeds", chunks(SERIES), ids=lambda seeds: f"{seeds.start}")
def test_hostile_series(seeds: range, file: Path) -> None:
    for seed in seeds:
        file.write_bytes(hostile_series(seed).encode("utf-8", "surrogatepass"))
        check_series(answer(lambda: load_series("./mine.yaml"), f"series {seed}"), f"series {seed}")


def test_the_sweep_is_not_all_refusals(file: Path) -> None:
    """If everything were refused, the sweep would not test what is accepted."""
    taken = 0
    for seed in range(CHUNK):
        file.write_bytes(hostile_recipe(seed).encode("utf-8", "surrogatepass"))
        taken += answer(lambda: load_recipe(os.fspath(file)), f"{seed}") is not None
    assert CHUNK // 10 <= taken <= CHUNK * 9 // 10
