"""Containers made to copy from: after a killed run, the next run removes them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.engines.programs import script

from m2build.errors import EngineError
from m2build.programs.container_names import container_name
from m2build.programs.program import Program

HOLDER = """
import sys
from m2build.programs.container_names import container_name
from m2build.programs.program import Program
with container_name(Program("docker")) as name:
    Program("docker").ask("create", f"--name={name}")
    print(name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The containers of a stand-in for docker that can make and remove them, as files; with a cache of its own."""
    folder = tmp_path / "containers"
    for made in (folder, tmp_path / "bin"):
        made.mkdir()
    remove = 'rm "$0.d/$3" 2>/dev/null || { echo "Error response from daemon: No such container: $3" >&2; exit 1; }'
    script(tmp_path / "bin", "docker", ("create*", 'touch "$0.d/${2#--name=}"'), ("rm*", remove))
    (tmp_path / "bin/docker.d").symlink_to(folder)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def names(containers: Path) -> set[str]:
    return {path.name for path in containers.iterdir()}


def make_one() -> None:
    with container_name(Program("docker")) as name:
        Program("docker").ask("create", f"--name={name}")


def test_a_container_is_removed_at_the_end_if_it_was_made(containers: Path) -> None:
    make_one()
    with container_name(Program("docker")):
        pass
    assert names(containers) == set()


def test_the_next_run_removes_containers_of_killed_runs_and_no_others(containers: Path, tmp_path: Path) -> None:
    """Containers of running processes stay, and so does one with a name like ours but without a file here."""
    running = [
        subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    dead, living = (process.stdout.readline().strip() for process in running if process.stdout)
    foreign = "m2build-tmp-0123456789abcdef"
    (containers / foreign).touch()
    running[0].send_signal(signal.SIGKILL)
    running[0].communicate()
    assert names(containers) == {dead, living, foreign}
    make_one()
    assert names(containers) == {living, foreign}
    running[1].communicate()
    assert names(containers) == {foreign}
    assert list((tmp_path / "cache/m2build/containers/docker").iterdir()) == []


def test_without_a_cache_containers_are_removed_too(
    containers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    make_one()
    assert names(containers) == set()


def test_a_failed_removal_is_reported(containers: Path, tmp_path: Path) -> None:
    script(tmp_path / "bin", "docker", ("create*", "true"))
    with pytest.raises(EngineError, match="unknown: rm"):
        make_one()
