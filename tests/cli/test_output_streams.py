"""stdout has the result, stderr the progress; and what happens if one of them is closed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout
from helpers.commands import succeeds
from helpers.support import sampled

from m2build.recipes.load import load_recipe

M2BUILD = [sys.executable, "-m", "m2build"]
PRINTING = [["recipe", "list"], ["recipe", "schema"], ["patch", "diff", "--source", "{}"]]
RESULT = re.compile(r"docker-archive:\S+\.tar:m2build/minimax-m2\.1:tp8@(sha256:[0-9a-f]{64})\n")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("tree"))


def derive(tree: Path, out: Path, *options: str) -> list[str]:
    return [*M2BUILD, "image", "--tp", "8", "--base", f"dir:{tree}", "-o", f"docker-archive:{out}", *options]


@pytest.mark.parametrize("arguments", sampled(PRINTING, every=2))
def test_a_reader_that_closes_the_pipe_is_not_a_failure(arguments: list[str], tree: Path) -> None:
    """`m2build … | head -n 1`, with `set -o pipefail`: the pipe's other end is closed before we write."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [*M2BUILD, *(argument.format(tree) for argument in arguments)]
    run = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (run.returncode, run.stderr) == (0, "")


def test_progress_that_cannot_be_written_does_not_stop_the_work(tree: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = derive(tree, tmp_path / "out.tar", "--progress", "plain")
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=writing, text=True, check=False)
    os.close(writing)
    assert run.returncode == 0
    assert RESULT.fullmatch(run.stdout)
    assert (tmp_path / "out.tar").is_file()


@pytest.mark.parametrize("arguments", [["recipe", "list"], ["patch", "diff", "--source", "{}"]])
def test_a_result_that_cannot_be_written_is_a_failure(arguments: list[str], tree: Path) -> None:
    command = [*M2BUILD, *(argument.format(tree) for argument in arguments)]
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 16
    assert run.stderr.splitlines() == [
        "m2build: the output cannot be written: No space left on device",
        "  check the path, its permissions and the free space",
    ]


def test_without_any_stdout_the_work_is_done(tree: Path, tmp_path: Path) -> None:
    """`m2build … >&-`, as some supervisors start their jobs."""
    command = derive(tree, tmp_path / "out.tar")
    run = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "out.tar").is_file()


def test_recipe_show_can_be_run_by_a_shell() -> None:
    """What it prints is quoted: `eval "$(m2build recipe show --tp 4)"` is the command line, token by token."""
    shown = succeeds("recipe", "show", "--tp", "4", "--set", "profiles.tp4.flags.chat-template='it''s $HOME here'")
    tokens = subprocess.run(["sh", "-c", f"printf '%s\\n' {shown}"], capture_output=True, text=True, check=True).stdout
    assert tokens.splitlines()[-2:] == ["--chat-template", "it's $HOME here"]
    assert tokens.splitlines()[: len(load_recipe("minimax-m2").launch.command)] == [
        "python3",
        "-m",
        "sglang.launch_server",
    ]
