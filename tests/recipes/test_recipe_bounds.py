"""Bounds: each number fits the type that it becomes, and each document is quick to read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from annotated_types import Ge, Le
from helpers.documents.hostile_documents import many
from helpers.recipes.recipe_texts import write
from helpers.rendering.dockerfiles import plan_for
from helpers.support import need_tool
from pydantic import BaseModel

from m2build.derivation.image import build
from m2build.errors import UsageError
from m2build.patches.series import Series
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Recipe

GO_SECONDS = (2**63 - 1) // 10**9
NUMBERS = {
    "health.interval": (1, GO_SECONDS),
    "health.timeout": (22, 60),
    "health.start_period": (0, GO_SECONDS),
    "health.retries": (1, 2**31 - 1),
    "profiles.tp8.gpus": (1, 2**31 - 1),
    "profiles.tp8.flags.port": (1, 65535),
}


@pytest.mark.parametrize("key", NUMBERS)
def test_a_number_has_the_bounds_of_what_it_becomes(key: str) -> None:
    least, most = NUMBERS[key]
    for value in (least, most):
        load_recipe("minimax-m2", [f"{key}={value}"])
    for value, bound in ((least - 1, least), (most + 1, most), (-(10**30), least), (10**30, most)):
        with pytest.raises(UsageError, match=rf"^--set {key}={value}: .*\b{bound}\b"):
            load_recipe("minimax-m2", [f"{key}={value}"])


def numbers(model: type[BaseModel], way: str = "") -> Iterator[tuple[str, list[object]]]:
    """Every field that is a number, with the bounds that its annotation states."""
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from numbers(kind, f"{way}{name}.")
            elif kind in (int, float):
                yield f"{way}{name}", [*field.metadata]


def test_no_number_of_a_model_is_without_bounds() -> None:
    found = [*numbers(Recipe), *numbers(Series)]
    assert {name.rpartition(".")[2] for name, _ in found} == {"interval", "timeout", "start_period", "retries", "gpus"}
    for name, bounds in found:
        assert {Ge, Le} <= {type(bound) for bound in bounds}, name


def test_skopeo_reads_a_health_check_at_its_bounds(tmp_path: Path) -> None:
    """Docker keeps its times in Go's int64, as nanoseconds; a larger one makes the whole config unreadable."""
    plan, place = plan_for(), f"docker-archive:{tmp_path}/image.tar"
    overrides = [f"health.{key}={NUMBERS[f'health.{key}'][1]}" for key in ("interval", "start_period", "retries")]
    selection = replace(plan.selection, recipe=load_recipe("minimax-m2", overrides))
    image = build(replace(plan, selection=selection))
    write_image(image, Place.parse(place), tag="x", reference="a:x", replace=False, progress=Silent())
    subprocess.run([need_tool("skopeo"), "inspect", place], check=True, capture_output=True)


def test_a_chain_of_recipes_is_bounded_in_length_and_in_sum(tmp_path: Path) -> None:
    write(tmp_path, c0="extends: minimax-m2\n")
    for number in range(1, 9):
        write(tmp_path, **{f"c{number}": f"extends: ./c{number - 1}.yaml\n"})
    assert load_recipe(str(tmp_path / "c6.yaml")).name == "minimax-m2"
    with pytest.raises(UsageError, match="more than 8 recipes extend each other"):
        load_recipe(str(tmp_path / "c8.yaml"))
    write(tmp_path, c1="extends: ./c0.yaml\n" + many("a{}: 1\n"), c2="extends: ./c1.yaml\n" + many("b{}: 1\n"))
    with pytest.raises(UsageError, match="more than 20000 values"):
        load_recipe(str(tmp_path / "c2.yaml"))


def test_a_recipe_extends_a_file_and_no_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    write(tmp_path, mine="extends: ./pipe.yaml\n")
    with pytest.raises(UsageError, match=r"mine\.yaml:1:1: .*pipe\.yaml is a pipe, not a regular file"):
        load_recipe(str(tmp_path / "mine.yaml"))
