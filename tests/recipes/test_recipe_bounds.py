"""Bounds: each number fits the type that it becomes, and each document is quick to read."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from annotated_types import Ge, Le
from helpers.measured import assert_cheap, measured
from helpers.recipes.hostile_documents import HOSTILE, many
from helpers.recipes.recipe_texts import SHIPPED, write
from helpers.rendering.dockerfiles import plan_for
from helpers.support import need_tool
from pydantic import BaseModel

from m2build.derivation.image import build
from m2build.documents.document import MAXIMUM_BYTES
from m2build.documents.suggest import nearest
from m2build.errors import UsageError
from m2build.local import reading
from m2build.patches.loading import load_series
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


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("flags that are none", "more problems"),
        ("aliases", "expands to more than 20000 values"),
        ("tag directives", "tags are not used here"),
        ("a path of many folders", "there is no recipe file"),
    ],
)
def test_hostile_documents_cost_little_and_are_reported_in_few_lines(name: str, says: str, tmp_path: Path) -> None:
    write(tmp_path, mine=HOSTILE[name])
    run = measured("recipe", "show", "--recipe", "./mine.yaml", cwd=tmp_path)
    assert run.code == 2
    assert says in run.stderr
    assert_cheap(run)


def test_long_texts_are_not_compared() -> None:
    """Comparing two takes time in proportion to the product of their lengths."""
    text = "".join(map(chr, range(0x4E00, 0x4E96))) * 4000
    assert nearest(text, [text[1:]]) is None
    assert nearest("a" * 90, [text, "a" * 91]) == "a" * 91


def test_of_many_problems_twenty_are_named_and_the_others_counted(tmp_path: Path) -> None:
    write(tmp_path, mine=HOSTILE["unknown keys"])
    with pytest.raises(UsageError) as caught:
        load_recipe(str(tmp_path / "mine.yaml"))
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[-1].strip() == "… and 18,980 more problems"


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


def test_a_document_of_a_megabyte_is_too_large_whatever_it_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SHIPPED + "#" * (MAXIMUM_BYTES - len(SHIPPED)))
    assert load_recipe(str(path)).name == "minimax-m2"
    path.write_text(SHIPPED + "#" * (MAXIMUM_BYTES + 1 - len(SHIPPED)))
    for load in (load_recipe, load_series):
        with pytest.raises(UsageError, match=r"mine\.yaml is larger than 1,048,576 bytes"):
            load(str(path))


@pytest.mark.parametrize("load", [load_recipe, load_series])
def test_what_is_not_a_small_file_is_refused(load: Callable[[str], object], tmp_path: Path) -> None:
    with (tmp_path / "sparse.yaml").open("wb") as file:
        file.truncate(1 << 40)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.yaml"))
        kinds = {"sparse.yaml": "larger than", "socket.yaml": "a socket, not", "/dev/zero": "a character device, not"}
        for name, kind in kinds.items():
            with pytest.raises(UsageError, match=f"{name} is {kind} "):
                load(str(tmp_path / name))


def test_a_device_without_end_costs_nothing(tmp_path: Path) -> None:
    run = measured("recipe", "show", "--recipe", "/dev/zero", cwd=tmp_path)
    assert run.code == 2
    assert_cheap(run)


def test_a_pipe_without_a_writer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIPE_SECONDS", 0.1)
    os.mkfifo(tmp_path / "mine.yaml")
    for load in (load_recipe, load_series):
        with pytest.raises(UsageError, match="is a pipe that has not ended"):
            load(str(tmp_path / "mine.yaml"))


def test_a_recipe_extends_a_file_and_no_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    write(tmp_path, mine="extends: ./pipe.yaml\n")
    with pytest.raises(UsageError, match=r"mine\.yaml:1:1: .*pipe\.yaml is a pipe, not a regular file"):
        load_recipe(str(tmp_path / "mine.yaml"))


def test_the_shells_process_substitution_gives_a_recipe(tmp_path: Path) -> None:
    write(tmp_path, mine="extends: minimax-m2\nname: mine\n")
    python = f"{sys.executable} -m m2build"
    shown = subprocess.run(
        [need_tool("bash"), "-c", f"{python} recipe show --recipe <(sleep 0.1; cat mine.yaml)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.startswith("mine: ")
    standard_input = ["recipe", "show", "--recipe", "/dev/stdin"]
    piped = subprocess.run(
        [sys.executable, "-m", "m2build", *standard_input],
        cwd=tmp_path, input=(tmp_path / "mine.yaml").read_text(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert piped.stdout == shown.stdout


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    write(tmp_path, real="extends: minimax-m2\nname: mine\n")
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    assert load_recipe(str(tmp_path / "link.yaml")).name == "mine"
