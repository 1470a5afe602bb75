"""A base that cannot be pulled, by m2build or by an engine: its name in messages, and other places that have it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from helpers.commands import m2build
from helpers.engines.programs import script
from helpers.servers import free_port

from m2build.base.elsewhere import pulled
from m2build.errors import EngineError, TransportError
from m2build.places.place import Place

INSPECTED = [
    {
        "Id": f"sha256:{'1' * 64}",
        "Architecture": "amd64",
        "Os": "linux",
        "RootFS": {"Layers": [f"sha256:{'2' * 64}"]},
        "RepoTags": ["registry.example/sglang:v1"],
    }
]
PLACE = Place.parse("registry.example/sglang:v1")


def engine(folder: Path, name: str, *, has: bool) -> None:
    """An engine that has the image, or any other than it."""
    wanted = "registry.example/sglang:v1" if has else "another"
    script(folder, name, (f"image' 'inspect' '{wanted}", f"echo '{json.dumps(INSPECTED)}'"))


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "sh").symlink_to("/bin/sh")
    return tmp_path


@pytest.mark.parametrize("docker", [True, False, None])
@pytest.mark.parametrize("podman", [True, False, None])
def test_stores_that_have_the_image_are_named(docker: bool | None, podman: bool | None, programs: Path) -> None:  # noqa: FBT001
    for name, has in (("docker", docker), ("podman", podman)):
        if has is not None:
            engine(programs, name, has=has)
    with pytest.raises(TransportError) as caught, pulled(PLACE):
        raise TransportError("registry.example does not answer", hint="try again later")
    assert str(caught.value) == (
        "the base registry.example/sglang:v1 cannot be pulled: registry.example does not answer"
    )
    hint = str(caught.value.hint)
    assert hint.startswith("try again later; ")
    assert ("docker has it: --base docker-daemon:registry.example/sglang:v1" in hint) == bool(docker)
    assert ("podman has it: --base containers-storage:registry.example/sglang:v1" in hint) == bool(podman)
    assert "mirror: --base MIRROR/NAME:TAG" in hint


@pytest.mark.parametrize(
    "said",
    [
        "docker: the build stopped at [internal] load metadata for registry.example/sglang:v1: EOF",
        "podman: the build stopped at 1/9: FROM x: initializing source docker://registry.example/sglang:v1: EOF",
        "docker: the build stopped: pull access denied for registry.example/sglang, repository does not exist",
    ],
)
def test_an_engine_that_cannot_pull_it(said: str, programs: Path) -> None:
    engine(programs, "docker", has=True)
    with pytest.raises(EngineError) as caught, pulled(PLACE):
        raise EngineError(said)
    assert str(caught.value).startswith("the base registry.example/sglang:v1 cannot be pulled: ")
    assert "docker-daemon:registry.example/sglang:v1" in str(caught.value.hint)


def test_a_failing_step_is_reported_as_it_is(programs: Path) -> None:
    with pytest.raises(EngineError, match=r"^docker: the build stopped at \[3/3\] RUN") as caught, pulled(PLACE):
        raise EngineError("docker: the build stopped at [3/3] RUN set -eu: exit code 1", hint="as it was")
    assert caught.value.hint == "as it was"


@pytest.mark.parametrize(
    "words", [("image", "-o", "oci:out"), ("render", "-o", "out"), ("bake", "-o", "out")], ids=lambda words: words[0]
)
def test_the_command_names_all_of_it(words: tuple[str, ...], tmp_path: Path) -> None:
    name = f"127.0.0.1:{free_port()}/sglang:v1"
    (tmp_path / "python3").symlink_to(shutil.which("python3") or "/usr/bin/python3")
    (tmp_path / "sh").symlink_to("/bin/sh")
    script(tmp_path, "docker", (f"image' 'inspect' '{name}", f"echo '{json.dumps(INSPECTED)}'"))
    run = m2build(*words, "--tp", "8", "--base", name, cwd=tmp_path, environment={"PATH": str(tmp_path)})
    assert run.returncode == 8
    first, second = run.stderr.splitlines()
    assert first.startswith(f"m2build: the base {name} cannot be pulled: 127.0.0.1:")
    assert f"docker has it: --base docker-daemon:{name}" in second
