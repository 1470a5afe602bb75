"""`m2build run`, `compose` and `kubernetes` by command: what they print, run, write and refuse."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import click
import pytest
from helpers.commands import m2build, refused, succeeds

from m2build.cli.run import run
from m2build.errors import StorageError, UsageError
from m2build.running.model import Devices
from m2build.running.security import Security

run_module = sys.modules["m2build.cli.run"]
RUN = ("run", "--tp", "8")


def test_the_options_know_what_the_library_knows() -> None:
    found = {option.name: option.type for option in run.params}
    for name, kind in {"security": Security, "devices": Devices}.items():
        choice = found[name]
        assert isinstance(choice, click.Choice)
        assert set(choice.choices) == set(kind)


def engine(folder: Path, script: str) -> dict[str, str]:
    """The environment of a user whose docker is a script."""
    (folder / "bin").mkdir()
    (folder / "bin/docker").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin/docker").chmod(0o755)
    return {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "HF_TOKEN": "hf_secret"}


def test_what_is_printed_is_what_is_run_and_its_exit_code_is_handed_on(tmp_path: Path) -> None:
    environment = engine(tmp_path, 'printf "%s\\n" docker "$@"; exit 37')
    command = (*RUN, "--devices", "none", "--cache", "models")
    printed = succeeds(*command, "--print", "--", "--log-level", "a", cwd=tmp_path, environment=environment)
    done = m2build(*command, "--", "--log-level", "a", cwd=tmp_path, environment=environment)
    assert done.stdout.split() == printed.replace("\\\n", "").split()
    assert (done.returncode, done.stderr) == (37, "")
    assert (tmp_path / "models").is_dir(), "Docker would make it, as root"
    assert "hf_secret" not in printed + done.stdout
    assert "--env=HF_TOKEN\n" in done.stdout


def test_a_profile_that_opens_the_machine_is_warned_of(tmp_path: Path) -> None:
    for command in ("run", "compose"):
        more = ["--print"] if command == "run" else []
        done = m2build(command, "--tp", "8", "--security", "as-documented", "--devices", "none", *more, cwd=tmp_path)
        assert done.returncode == 0
        (line,) = done.stderr.splitlines()
        assert line.startswith(
            "m2build: --security as-documented opens all of the machine: root in the container is root"
        )
        assert all(word in line for word in ("--privileged", "/:/work", "/dev/mem", "--network=host", "seccomp"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((*RUN, "--engine", "podman", "--devices", "none"), 9, "there is no command podman on PATH"),
        ((*RUN, "--image", "A b", "--print"), 2, "not an image reference"),
        (("kubernetes", "--tp", "4", "-o", "k"), 2, "issing option '--image'"),
        (("kubernetes", "--tp", "4", "-o", "k", "--image", "r/m:1", "--nodes", "x"), 2, "is not a label with values"),
    ],
)
def test_what_cannot_run_is_refused_with_the_next_step(
    arguments: tuple[str, ...], code: int, message: str, tmp_path: Path
) -> None:
    environment = {"PATH": f"{engine(tmp_path, 'exit 0')['PATH'].partition(':')[0]}"}
    assert message in refused(code, *arguments, cwd=tmp_path, environment=environment)


def test_a_machine_without_gpus_is_refused_unless_they_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", engine(tmp_path, "exit 0")["PATH"])
    monkeypatch.setattr(run_module, "_KFD", tmp_path / "absent")
    with pytest.raises(UsageError, match="this machine has no /dev/kfd") as caught:
        run.main(["--tp", "8"], standalone_mode=False)
    assert "--devices none" in (caught.value.hint or "")


def test_without_a_home_the_folder_for_models_is_the_one_that_the_command_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setenv("PATH", engine(tmp_path, "exit 0")["PATH"])
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StorageError, match=r"the folder for models /\.cache/huggingface cannot be made"):
        run.main(["--tp", "8", "--devices", "none"], standalone_mode=False)


def test_the_folder_for_kubernetes_is_written_once(tmp_path: Path) -> None:
    command = ("kubernetes", "--tp", "4", "--image", "r.example/m:v1", "--replicas", "2", "-o", "serving")
    assert succeeds(*command, "--nodes", "any", cwd=tmp_path) == "serving\n"
    names = ["budget.yaml", "claim.yaml", "deployment.yaml", "kustomization.yaml", "service.yaml"]
    assert sorted(path.name for path in (tmp_path / "serving").iterdir()) == names
    assert succeeds(*command, "--nodes", "any", cwd=tmp_path) == "serving\n"
    assert "serving exists already" in refused(2, *command, cwd=tmp_path)
