"""Documents and files made to cost memory, time or a screen of messages: by the command line, and measured."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.documents.hostile_documents import HOSTILE
from helpers.measured import assert_cheap, measured
from helpers.sweeps.hostile_recipes import hostile_recipe, hostile_series
from helpers.warm import Finished

pytestmark = pytest.mark.sweep

RECIPE, SERIES = ("recipe", "show", "--recipe"), ("patch", "list", "--series")
FILES = [
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/proc/kcore",
    "fifo",
    "endless",
    "socket",
    "sparse",
    "folder/",
    "circle",
]
SEEDS = 40
CASES = 2 * len(HOSTILE) + 3 * len(FILES) + SEEDS


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with things that are not small files; one of its pipes is written to without end."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    os.mkfifo(tmp_path / "fifo")
    os.mkfifo(tmp_path / "endless")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    writer = subprocess.Popen(["sh", "-c", "yes >endless"], cwd=tmp_path, stderr=subprocess.DEVNULL)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        yield tmp_path
    writer.kill()
    writer.wait()


def refused(run: Finished) -> None:
    assert run.code == 2, run
    assert_cheap(run)


@pytest.mark.parametrize("command", [RECIPE, SERIES], ids=["recipe", "series"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document(name: str, command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(HOSTILE[name], encoding="utf-8")
    refused(measured(*command, "./mine.yaml", cwd=tmp_path))


@pytest.mark.parametrize("how", ["recipe", "series", "extends"])
@pytest.mark.parametrize("name", FILES)
def test_what_is_not_a_small_file(name: str, how: str, folder: Path) -> None:
    path = name if name.startswith("/") else f"./{name}"
    (folder / "mine.yaml").write_text(f"extends: {path}\n")
    command = {"recipe": (*RECIPE, path), "series": (*SERIES, path), "extends": (*RECIPE, "./mine.yaml")}[how]
    refused(measured(*command, cwd=folder))


@pytest.mark.parametrize("start", range(0, SEEDS, 10))
def test_what_the_library_was_given_by_the_command_line(start: int, tmp_path: Path) -> None:
    for seed in range(start, start + 10):
        make, command = ((hostile_recipe, RECIPE), (hostile_series, SERIES))[seed % 2]
        (tmp_path / "mine.yaml").write_bytes(make(seed).encode("utf-8", "surrogatepass"))
        run = measured(*command, "./mine.yaml", cwd=tmp_path)
        if run.code != 0:
            refused(run)
