"""A warm start, which makes the tests quick, gives the results of a cold start."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.commands import from_cold
from helpers.support import sampled
from helpers.warm import Finished, run_warm, server, warm_program

COMMANDS = {
    "success": ("recipe", "show", "--tp", "8"),
    "a relative path": ("recipe", "show", "--recipe", "./here.yaml", "--tp", "8"),
    "a usage error": ("image", "--tp", "x"),
    "a refusal": ("inspect", "oci:nowhere"),
    "a traceback, and a name that is no text": ("--debug", "patch", "diff", "--source", "\udcff"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "here.yaml").write_text("extends: minimax-m2\nid: here\n")
    return tmp_path


@pytest.mark.parametrize("words", sampled(COMMANDS.values(), every=3), ids=COMMANDS)
def test_a_warm_start_ends_as_a_cold_one(words: tuple[str, ...], folder: Path) -> None:
    environment = {**os.environ, "COLUMNS": "100", "XDG_CACHE_HOME": str(folder)}
    cold = from_cold(*words, cwd=folder, environment=environment)
    warm = run_warm(words, folder, environment)
    assert (warm.code, warm.stdout, warm.stderr) == (cold.returncode, cold.stdout, cold.stderr)


def test_a_shell_gets_its_streams_and_its_exit_code(folder: Path) -> None:
    warm_program(folder / "m2build")
    series = '{"id": "x", "summary": "x", "distribution": "x", "stock": true}'
    script = f"./m2build recipe show --tp 8 | head -n 1; echo '{series}' | ./m2build patch list --series /dev/stdin; "
    script += "./m2build inspect oci:nowhere 2>said || echo $?"
    run = subprocess.run(
        ["bash", "-c", script], cwd=folder, pass_fds=[server()], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("python3")
    assert run.stdout.endswith("\n2\n")
    assert "nowhere" in (folder / "said").read_text()


def test_commands_at_the_same_time_keep_apart(folder: Path) -> None:
    places = [folder / f"place-{number}" for number in range(8)]
    for place in places:
        place.mkdir()

    def listed(place: Path) -> Finished:
        return run_warm(["inspect", f"oci:{place.name}"], place.parent, {**os.environ, "XDG_CACHE_HOME": str(place)})

    with ThreadPoolExecutor(len(places)) as pool:
        for place, done in zip(places, pool.map(listed, places), strict=True):
            assert (done.code, done.stdout) == (5, "")
            assert place.name in done.stderr
