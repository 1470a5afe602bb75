"""Process 1 in real containers: a crash of the server is seen, it stops in time, and its port is found."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from helpers.engines.daemons import DockerEngine
from helpers.engines.deriving import derived
from helpers.engines.engine import Engine
from helpers.engines.podmans import PodmanEngine
from helpers.running.stand_in import stand_in
from helpers.servers import free_port

from m2build.patches.tree import SourceTree

pytestmark = pytest.mark.engine

GRACE = 10
"""Seconds that engines give a container by default."""


@pytest.fixture(scope="module")
def fake(sglang_tree: SourceTree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stand_in(tmp_path_factory.mktemp("fake") / "fake", sglang_tree)


@pytest.fixture(scope="module")
def images(base: str, docker: DockerEngine, podman: PodmanEngine) -> Mapping[tuple[str, bool], tuple[Engine, str]]:
    """By the engine that built it, and by whether the recipe has an init: the engine, and the image."""
    found: dict[tuple[str, bool], tuple[Engine, str]] = {}
    for engine in (docker, podman):
        for init in (True, False):
            name = f"m2build/process-one:{'init' if init else 'none'}"
            options = ("--engine", engine.program, "-t", name, "--set", f"launch.init={str(init).lower()}")
            (image,) = derived({**docker.environment, **podman.environment}, "--tp=8", f"--base={base}", *options)
            found[engine.program, init] = engine, image
    return found


def wait_for(engine: Engine, name: str, probe: Sequence[str]) -> None:
    """Wait until a health check passes in a container."""
    for _ in range(50):
        if engine.run("exec", name, *probe, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(engine.run("exec", name, *probe, check=False).stderr + engine.run("logs", name).stderr)


@pytest.mark.parametrize("engine", ["docker", "podman"])
@pytest.mark.parametrize(
    ("init", "option", "ended_by", "code"),
    [
        (True, [], "crash", 137),
        (True, ["--init"], "stop", 0),
        (False, ["--init"], "crash", 137),
        (False, ["--init"], "stop", 0),
        (True, [], "stop", 0),
        (False, [], "crash", 0),
    ],
    ids=["crash", "stop, two inits", "crash, the engine's", "stop, the engine's", "stop", "crash, none"],
)
def test_how_a_server_ends_is_how_its_container_ends(
    *,
    engine: str,
    init: bool,
    option: list[str],
    ended_by: str,
    code: int,
    images: Mapping[tuple[str, bool], tuple[Engine, str]],
    fake: Path,
) -> None:
    """The last case is why there is an init: a crash that looks like success. Each finds the port that is appended."""
    runs, image = images[engine, init]
    port, name = str(free_port()), f"process-one-{secrets.token_hex(4)}"
    fakes = [f"--volume={fake}:/fake:ro", "--env=PYTHONPATH=/fake", "--workdir=/"]
    runs.run("run", "--detach", f"--name={name}", *option, *fakes, image, f"--po={port}")
    (found,) = json.loads(runs.run("inspect", "--type=container", name).stdout)
    probe = found["Config"]["Healthcheck"]["Test"]
    wait_for(runs, name, probe[1:])
    if ended_by == "crash":
        visit = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}/crash')"
        runs.run("exec", name, "python3", "-c", visit, check=False)
        assert runs.run("wait", name).stdout == f"{code}\n"
    else:
        began = time.monotonic()
        runs.run("stop", name)
        assert time.monotonic() - began < GRACE / 2
        assert runs.run("wait", name).stdout == f"{code}\n"
        assert runs.run("logs", name).stdout.endswith("stopped\n")
