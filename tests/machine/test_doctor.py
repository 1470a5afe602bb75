"""What `m2build doctor` says of machines that are laid out as folders; no GPU is here, and these are fakes."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.cli.checkouts import quickly
from helpers.commands import m2build as run
from helpers.machine.laid_out import GIB, HUB, MI300X, laid_out
from helpers.support import need_root

import m2build
from m2build.machine.model import Diagnosis, Machine, Space, State
from m2build.recipes.model import Selection

TP4 = m2build.load_recipe("minimax-m2").select(tp=4)
GPU_CHECKS = ["devices", "render-groups", "numa-balancing", "kernel-options", "gpu-memory"]
EVERY = ["engine", "credentials", "image-disk", "model-disk", "shared-memory", *GPU_CHECKS]


@pytest.fixture(autouse=True)
def no_programs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine is asked, but by the tests that bring one along."""
    monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("bin")))


def diagnosed(machine: Machine, selection: Selection = TP4) -> dict[str, Diagnosis]:
    return {diagnosis.check: diagnosis for diagnosis in m2build.doctor(selection, machine)}


def test_a_machine_in_good_order(tmp_path: Path) -> None:
    found = diagnosed(laid_out(tmp_path))
    assert list(found) == EVERY
    assert {check: found[check].state for check in EVERY[1:]} == dict.fromkeys(EVERY[1:], State.OK)
    assert found["devices"].message == "/dev/kfd and 8 of /dev/dri/renderD*"
    needs = "; the profile tp4 needs 4, each with 66.1 GiB, with 53.7 GiB of weights"
    assert found["gpu-memory"].message == f"8 GPUs have {', '.join(['191'] * 8)} GiB free{needs}"


@pytest.mark.parametrize(
    ("check", "change", "message", "fix"),
    [
        (
            "numa-balancing",
            {"files": {"proc/sys/kernel/numa_balancing": "1\n"}},
            "is on (1)",
            "kernel.numa_balancing=0",
        ),
        ("kernel-options", {"files": {"proc/cmdline": "ro iommu=pt\n"}}, "without pci=realloc=off", "update-grub"),
        (
            "kernel-options",
            {"files": {"proc/cmdline": "ro\n"}},
            "without iommu=pt and without pci",
            "GRUB_CMDLINE_LINUX",
        ),
        ("devices", {"files": {"dev/kfd": None}}, "there is no /dev/kfd for 8 AMD GPUs", "modprobe amdgpu"),
        ("gpu-memory", {"used": MI300X - 60 * GIB}, "60, 60, 60, 60, 60, 60, 60, 60 GiB free", "amd-smi process"),
        ("gpu-memory", {"gpus": 3}, "3 GPUs have 191, 191, 191 GiB free; the profile tp4 needs 4", "another profile"),
        (
            "shared-memory",
            {"space": Space(64 << 20, 64 << 20)},
            "has 64 MiB, and eight GPUs need 16 GiB",
            "--shm-size 32g",
        ),
        (
            "model-disk",
            {"space": Space(10**12, 10**11)},
            "has 100 GB free, and MiniMaxAI/MiniMax-M2.1 takes 230 GB",
            "HF_HOME",
        ),
        ("image-disk", {"space": Space(10**12, 10**10)}, "/var/lib/docker has 10 GB free", "move the store"),
    ],
)
def test_a_problem_comes_with_its_fix(
    *, check: str, change: dict[str, Any], message: str, fix: str, tmp_path: Path
) -> None:
    found = diagnosed(laid_out(tmp_path, **change))[check]
    assert found.state is State.PROBLEM
    assert message in found.message
    assert fix in found.fix


def test_enough_free_gpus_are_enough(tmp_path: Path) -> None:
    """Four of the eight are in use."""
    busy = {f"sys/class/drm/card{number * 8 + 1}/device/mem_info_vram_used": f"{MI300X}\n" for number in range(4)}
    found = diagnosed(laid_out(tmp_path, files=busy))["gpu-memory"]
    assert found.state is State.OK
    assert "8 GPUs have 0, 0, 0, 0, 191, 191, 191, 191 GiB free" in found.message


def test_groups_are_read_from_the_devices(tmp_path: Path) -> None:
    number = os.getegid()
    for user, groups, state in ((0, (), State.OK), (1000, (number,), State.OK), (1000, (number + 1,), State.PROBLEM)):
        found = diagnosed(laid_out(tmp_path, user=user, groups=frozenset(groups)))["render-groups"]
        assert found.state is state
        assert f"--group-add {number}" in found.message + found.fix


def test_several_groups_are_all_named(tmp_path: Path) -> None:
    need_root("gives files to other groups")
    machine = laid_out(tmp_path, user=1000, groups=frozenset({0}))
    os.chown(tmp_path / "dev/kfd", -1, 44)
    os.chown(tmp_path / "dev/dri/renderD128", -1, 109)
    found = diagnosed(machine)["render-groups"]
    assert found.message == "the devices belong to groups 0, 44, 109, and you are not in 44,109"
    assert "--group-add 0 --group-add 44 --group-add 109;" in found.fix
    assert "usermod -aG 44,109 $USER" in found.fix


def test_without_a_gpu_it_says_what_cannot_be_checked(tmp_path: Path) -> None:
    found = diagnosed(laid_out(tmp_path, gpus=0))
    assert list(found) == EVERY
    assert {found[check].state for check in GPU_CHECKS} == {State.UNKNOWN}
    assert "has no AMD GPU" in found["devices"].message
    assert found["model-disk"].state is State.OK


def test_what_is_not_there_is_unknown_and_never_fails(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kfd").touch()
    machine = Machine(tmp_path, {"HOME": "/root"}, 1000, frozenset(), lambda _path: Space(10**15, 10**15))
    states = {check: found.state for check, found in diagnosed(machine).items()}
    unknown = ["image-disk", "shared-memory", "numa-balancing", "kernel-options", "gpu-memory"]
    assert [check for check in EVERY[1:] if states[check] is State.UNKNOWN] == unknown
    assert states["devices"] is State.PROBLEM


def test_a_model_that_is_there_needs_no_room(tmp_path: Path) -> None:
    kept = f"{HUB}/models--MiniMaxAI--MiniMax-M2.1/snapshots/abc/config.json"
    found = diagnosed(laid_out(tmp_path, files={kept: "{}"}, space=Space(10**9, 0)))["model-disk"]
    assert found.state is State.OK
    assert "MiniMaxAI/MiniMax-M2.1 is in /root/.cache/huggingface/hub/models--" in found.message


@pytest.mark.parametrize(
    ("variables", "hub"),
    [
        ({"HF_HUB_CACHE": "/big/hub", "HF_HOME": "/hf"}, "/big/hub"),
        ({"HF_HOME": "/hf"}, "/hf/hub"),
        ({"HF_HOME": "~/hf"}, "/home/me/hf/hub"),
        ({"XDG_CACHE_HOME": "/cache"}, "/cache/huggingface/hub"),
        ({}, "/home/me/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_hugging_faces_library_has_it(variables: dict[str, str], hub: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"HOME": "/home/me", **variables}, space=lambda path: Space(0, len(path.parts)))
    assert diagnosed(machine)["model-disk"].message.startswith(f"{hub} has ")


def test_a_model_of_ones_own_is_not_guessed_at(tmp_path: Path) -> None:
    recipe = m2build.load_recipe("minimax-m2", ["models.minimax-m2.repo=team/model"])
    found = diagnosed(laid_out(tmp_path), recipe.select(tp=4, model="minimax-m2"))
    assert {found[check].state for check in ("model-disk", "gpu-memory")} == {State.UNKNOWN}


def test_engines_are_found_by_their_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    machine = laid_out(tmp_path / "machine")
    found = diagnosed(machine)["engine"]
    assert found.state is State.PROBLEM
    assert "docker is not installed" in found.message.lower()
    assert "podman is not installed" in found.message
    assert "`--engine embedded` needs none" in found.fix
    podman = tmp_path / "bin/podman"
    podman.write_text("""#!/bin/sh\necho '{"Client": {"Version": "5.4.0"}}'\n""")
    podman.chmod(0o755)
    assert diagnosed(machine)["engine"] == Diagnosis("engine", State.OK, "podman 5.4.0")


def test_without_credentials_the_base_is_read_anonymously(tmp_path: Path) -> None:
    assert "none for docker.io" in diagnosed(laid_out(tmp_path))["credentials"].message


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": "bWU6c2VjcmV0"}}}), State.OK),
        ('{"auths": "bWU6c2VjcmV0"', State.PROBLEM),
    ],
)
def test_credentials_are_looked_for_and_never_shown(text: str, state: State, tmp_path: Path) -> None:
    machine = replace(laid_out(tmp_path), environment={"HOME": "/root", "DOCKER_AUTH_CONFIG": text})
    found = diagnosed(machine)["credentials"]
    assert found.state is state
    assert "secret" not in str(found)
    assert "bWU6c2VjcmV0" not in str(found)
    assert state is State.OK or "DOCKER_AUTH_CONFIG is not JSON" in found.message


def test_the_command_prints_each_check_and_ends_well() -> None:
    lines = quickly("doctor", "--tp", "8").splitlines()
    assert [line.split()[1] for line in lines if not line.startswith(" ")] == EVERY
    assert {line.split()[0] for line in lines if not line.startswith(" ")} <= set(State)
    found = json.loads(quickly("doctor", "--json"))
    assert [entry["check"] for entry in found] == EVERY
    assert found[0].keys() == {"check", "state", "message", "fix", "source"}


def test_strict_ends_with_6_if_there_is_a_problem(tmp_path: Path) -> None:
    broken = {"DOCKER_AUTH_CONFIG": "{", "HOME": str(tmp_path)}
    done = run("doctor", "--strict", environment=broken)
    assert done.returncode == 6
    assert "this machine is not ready: " in done.stderr
    assert "credentials" in done.stderr
    assert "problem  credentials" in done.stdout
    assert run("doctor", environment=broken).returncode == 0
