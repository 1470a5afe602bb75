"""The Compose file, as the real Compose reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.mounts.compose import composed

from m2build import load_recipe
from m2build.running import Container, Devices, Security, render_compose

SELECTION = load_recipe("minimax-m2").select(tp=8)
TOKEN = "hf_from_the_environment"
IMAGE = "registry.example/team/minimax-m2:tp8"


def service(container: Container, folder: Path, **environment: str) -> dict[str, Any]:
    """Its one service, with variables from a file beside it."""
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    (folder / "compose.yaml").write_text(render_compose(container))
    (found,) = composed(folder / "compose.yaml")["services"].values()
    assert isinstance(found, dict)
    return found


def test_compose_reads_the_strict_profile_as_it_is_meant(tmp_path: Path) -> None:
    found = service(Container(SELECTION, IMAGE), tmp_path, RENDER_GROUP="109", HF_HOME="/srv/models", HF_TOKEN=TOKEN)
    (models,) = found.pop("volumes")
    assert (models["type"], models["source"], models["target"]) == ("bind", "/srv/models", "/root/.cache/huggingface")
    (port,) = found.pop("ports")
    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", "8000", 8000)
    assert {device["source"] for device in found.pop("devices")} == {"/dev/kfd", "/dev/dri"}
    assert {key: value for key, value in found.items() if key not in ("networks", "command", "entrypoint")} == {
        "image": IMAGE, "init": True, "restart": "on-failure", "stop_grace_period": "2m0s", "group_add": ["109"],
        "security_opt": ["no-new-privileges"], "shm_size": str(32 << 30), "environment": {"HF_TOKEN": TOKEN},
    }  # fmt: skip


def test_the_token_is_named_and_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert "hf_secret" not in render_compose(Container(SELECTION))
    found = service(Container(SELECTION, devices=Devices.NONE), tmp_path)
    assert found["environment"] == {"HF_TOKEN": None}, "without a token here the container has none"


def test_compose_says_how_to_find_the_render_group(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"export RENDER_GROUP=\$+\(stat -c %g /dev/dri/renderD"):
        service(Container(SELECTION), tmp_path)


def test_without_gpus_nothing_is_asked_for(tmp_path: Path) -> None:
    found = service(Container(SELECTION, devices=Devices.NONE), tmp_path)
    assert found.keys() & {"devices", "group_add"} == set()
    assert found["volumes"][0]["source"] == f"{tmp_path}/.cache/huggingface"


def test_the_toolkit_gets_its_own_name(tmp_path: Path) -> None:
    found = service(Container(SELECTION, devices=Devices.CDI), tmp_path, RENDER_GROUP="109")
    assert [device["source"] for device in found["devices"]] == ["amd.com/gpu=all"]


def test_the_documents_flags_are_all_there(tmp_path: Path) -> None:
    found = service(Container(SELECTION, IMAGE, Security.AS_DOCUMENTED), tmp_path, RENDER_GROUP="109")
    assert (found["privileged"], found["network_mode"], found["ipc"]) == (True, "host", "host")
    assert (found["cap_add"], found["security_opt"]) == (["CAP_SYS_ADMIN", "SYS_PTRACE"], ["seccomp:unconfined"])
    assert {volume["target"] for volume in found["volumes"]} == {"/root/.cache/huggingface", "/work"}
    assert found["environment"]["SHELL"] == "/bin/bash"
    assert found["init"] is True


def test_words_of_any_kind_arrive(tmp_path: Path) -> None:
    """Numbers of YAML 1.2 among them, which PyYAML takes for text; `composed` reads `$$` as `$`."""
    words = ("1e3", "0o17", "017", "yes", "~", "$HOME", "${X:-y}", "a b", "é", "12:30", "")
    container = Container(SELECTION, devices=Devices.NONE, cache="/srv/$X", arguments=words)
    found = service(container, tmp_path)
    assert found["command"] == list(words)
    assert found["volumes"][0]["source"] == "/srv/$X"
