"""The command of `docker run`: what a shell makes of it, what it opens, and what it never holds."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from m2build import Selection, load_recipe
from m2build.errors import UsageError
from m2build.running import Container, Devices, Security, render_compose, render_kubernetes, run_command

SELECTION = load_recipe("minimax-m2").select(tp=8)
IMAGE = "registry.example/team/minimax-m2:tp8"
KFD = ["--device=/dev/kfd", "--device=/dev/dri", "--group-add=109"]
OWN_NETWORK = ["--shm-size=32g", "--publish=127.0.0.1:8000:8000"]
AMD_DOCS = """docker run --device /dev/kfd --device /dev/dri --network=host --ipc=host --group-add=video
    --cap-add=SYS_PTRACE --security-opt seccomp=unconfined"""
DOCUMENTED = """docker run -d -it --ipc=host --network=host --privileged --cap-add=CAP_SYS_ADMIN --device=/dev/kfd
    --device=/dev/dri --device=/dev/mem --group-add video --cap-add=SYS_PTRACE --security-opt seccomp=unconfined
    -v /:/work -e SHELL=/bin/bash --name Minimax"""
"""The command of the MiniMax-M2 page, without the image and its shell."""


def given(container: Container, folder: Path, *, engine: str = "docker", detach: bool = False) -> list[str]:
    """The arguments that the engine gets from a shell, on a machine whose render group has the number 109."""
    for name, script in {engine: "printf '%s\\0' \"$@\"", "stat": "echo 109; echo 44"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": "/home/jo smith"}
    text = run_command(container, engine=engine, detach=detach)
    done = subprocess.run(["sh", "-c", text], env=environment, capture_output=True, check=True)
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]


def test_the_strict_command_word_for_word(tmp_path: Path) -> None:
    assert given(Container(SELECTION, IMAGE), tmp_path) == [
        *("run", "--init", "--name=minimax-m2-1-tp8", "--rm", "--stop-timeout=120"),
        *KFD, "--security-opt=no-new-privileges", *OWN_NETWORK,
        *("--volume=/home/jo smith/.cache/huggingface:/root/.cache/huggingface", "--env=HF_TOKEN", IMAGE),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("devices", "expected"), [(Devices.KFD, KFD), (Devices.CDI, ["--device=amd.com/gpu=all", KFD[2]]), ("none", [])]
)
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_how_the_gpus_go_in(devices: str, expected: list[str], engine: str, tmp_path: Path) -> None:
    words = given(Container(SELECTION, IMAGE, devices=Devices(devices)), tmp_path, engine=engine)
    assert [word for word in words if word.startswith(("--device", "--group-add"))] == expected


@pytest.mark.parametrize(
    ("security", "published"), [(Security.AMD_DOCS, AMD_DOCS), (Security.AS_DOCUMENTED, DOCUMENTED)]
)
def test_a_published_command_keeps_all_its_flags(security: Security, published: str, tmp_path: Path) -> None:
    """Its own, how it runs aside; beside them there are the init, the models and the render group."""

    def settings(words: list[str]) -> set[str]:
        joined = " ".join(words).replace(" -v ", " --volume=").replace(" -e ", " --env=")
        for option in ("--device", "--group-add", "--security-opt"):
            joined = joined.replace(f"{option} ", f"{option}=")
        return {word for word in joined.split() if word.startswith("--") and word != "--name"}

    ours = settings(given(Container(SELECTION, IMAGE, security, cache="/models"), tmp_path))
    theirs = settings(shlex.split(published)[2:])
    assert theirs <= ours
    assert {word.partition("=")[0] for word in ours - theirs} == {
        "--init", "--name", "--rm", "--stop-timeout", "--volume", "--env", "--group-add",
    }  # fmt: skip


def test_in_the_background_it_stays_with_its_log(tmp_path: Path) -> None:
    words = given(Container(SELECTION, IMAGE), tmp_path, detach=True)
    assert "--detach" in words
    assert "--rm" not in words


ODD = ("--log-level", "a b", "$(touch x)", "it's", 'a"b', "`id`", "é", "--", "")


def test_words_of_any_kind_arrive(tmp_path: Path) -> None:
    container = Container(SELECTION, cache="/srv/$HOME 'x'", address="::1", arguments=ODD)
    words = given(container, tmp_path)
    assert words[-len(ODD) - 1 :] == ["m2build/minimax-m2.1:tp8", *ODD]
    assert "--volume=/srv/$HOME 'x':/root/.cache/huggingface" in words
    assert "--publish=[::1]:8000:8000" in words
    with pytest.raises(UsageError, match=r"'a\\nb' holds an unprintable character"):
        run_command(Container(SELECTION, arguments=("a\nb",)))


@pytest.mark.parametrize(
    ("settings", "folder", "variables"),
    [
        ([], "/root/.cache/huggingface", []),
        (["user=0:44"], "/root/.cache/huggingface", []),
        (["user=app"], "/huggingface", ["--env=HF_HOME=/huggingface"]),
        (["env.HF_HOME=/models", "user=app"], "/models", []),
    ],
)
def test_the_models_are_where_the_server_looks(
    settings: list[str], folder: str, variables: list[str], tmp_path: Path
) -> None:
    """Another user than root can neither read nor write root's home."""
    selection = load_recipe("minimax-m2", settings).select(tp=8)
    words = given(Container(selection, IMAGE, cache="/srv"), tmp_path)
    assert f"--volume=/srv:{folder}" in words
    assert [word for word in words if "HF_HOME" in word] == variables


@pytest.mark.parametrize("home", ["models", "/a:b"])
def test_models_are_mounted_where_a_mount_can_be(home: str) -> None:
    container = Container(load_recipe("minimax-m2", [f"env.HF_HOME={home}"]).select(tp=8), IMAGE)
    for render in (run_command, render_compose, render_kubernetes):
        with pytest.raises(UsageError, match=f"models cannot be mounted at HF_HOME={home}"):
            render(container)
    with pytest.raises(UsageError, match="--volume cannot hold the ':' of /a:b"):
        run_command(Container(SELECTION, IMAGE, cache="/a:b"))


LONG = "a" * 80


@pytest.mark.parametrize(("model", "profile"), [("m", LONG), (LONG, "p"), (LONG, LONG), ("1.0", "p"), ("a_b", "p_1.x")])
def test_names_are_those_that_a_service_can_have_and_no_other_profile_has(model: str, profile: str) -> None:
    """RFC 1035, and room for what a Deployment adds to its pods' names, which are host names."""
    recipe = load_recipe(
        "minimax-m2",
        [
            f'models={{"{model}": {{repo: a/b, title: t}}}}',
            f'default_model="{model}"',
            f'profiles={{"{profile}": {{summary: s, gpus: 1, flags: {{}}}}}}',
        ],
    )
    other = recipe.model_copy(update={"profiles": {f"{profile[:-1]}2": recipe.profiles[profile]}})
    names = [Container(one.select(profile=next(iter(one.profiles))), IMAGE).name for one in (recipe, other)]
    assert all(re.fullmatch("[a-z]([a-z0-9-]{0,48}[a-z0-9])?", name) for name in names), names
    assert names[0] != names[1]


def listening(host: str) -> Selection:
    flag = f"profiles.tp8.flags.host={host}"
    return load_recipe("minimax-m2", [flag]).select(tp=8)


@pytest.mark.parametrize("host", ["127.0.0.1", "null"])
def test_a_server_that_listens_to_itself_is_refused(host: str) -> None:
    with pytest.raises(
        UsageError, match=r"has the server listen at 127\.0\.0\.1, where only its own container"
    ) as caught:
        run_command(Container(listening(host)))
    assert "profiles.tp8.flags.host=0.0.0.0" in (caught.value.hint or "")
    assert "--network=host" in run_command(Container(listening(host), security=Security.AMD_DOCS))


def test_a_profile_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no 'stric'; did you mean 'strict'"):
        Container(SELECTION, security="stric")
    with pytest.raises(UsageError, match="there is no 'all'"):
        Container(SELECTION, devices="all")


def test_a_name_that_no_image_can_have_is_refused() -> None:
    with pytest.raises(UsageError, match="not an image reference"):
        Container(SELECTION, "Not An Image")
