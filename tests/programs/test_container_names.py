"""Containers that are made to be copied from: none outlives a killed run for longer than until the next one."""

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
    """The containers of a docker that can make and remove them, as files; a cache of its own goes with it."""
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


def test_a_container_goes_at_the_end_and_where_it_was_never_made_that_is_no_failure(containers: Path) -> None:
    make_one()
    with container_name(Program("docker")):
        pass
    assert names(containers) == set()


def test_what_a_killed_run_left_goes_with_the_next_and_the_rest_stays(containers: Path, tmp_path: Path) -> None:
    """A container of a living run, and one that looks like ours and has no file here, are other people's."""
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


def test_without_a_cache_containers_are_made_and_removed_all_the_same(
    containers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    make_one()
    assert names(containers) == set()


def test_an_engine_that_does_not_remove_one_is_told_of(containers: Path, tmp_path: Path) -> None:
    script(tmp_path / "bin", "docker", ("create*", "true"))
    with pytest.raises(EngineError, match="unknown: rm"):
        make_one()
