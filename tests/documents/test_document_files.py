"""Files with documents: of any kind, of any size, and without an end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.measured import assert_cheap, measured
from helpers.recipes.recipe_texts import SHIPPED, write
from helpers.support import need_tool

from m2build.documents.document import MAXIMUM_BYTES
from m2build.errors import UsageError
from m2build.local import reading
from m2build.patches.loading import load_series
from m2build.recipes.load import load_recipe


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
