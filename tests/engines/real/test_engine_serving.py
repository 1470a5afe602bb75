"""What `m2build run` and `m2build compose` say, with real engines: a server without GPUs becomes healthy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.commands import m2build
from helpers.engines.daemons import DockerEngine
from helpers.engines.deriving import derived
from helpers.engines.engine import Engine
from helpers.engines.podmans import PodmanEngine
from helpers.images import file, tar
from helpers.registry.registries import run
from helpers.running.stand_in import stand_in
from helpers.servers import free_port

from m2build.patches.tree import SourceTree

pytestmark = pytest.mark.engine

PACKAGE = "sgl-workspace/sglang/python"
NAME = "minimax-m2-1-tp8"
TOKEN = "hf_of_this_test"
FILES = ("sglang/launch_server.py", "psutil.py")


@dataclass(frozen=True)
class Served:
    """An engine, and the image of a stand-in that it has.

    Attributes:
        engine: the engine.
        image: the image.
        port: the port of the profile.
        environment: the engine's variables, and a user's.
    """

    engine: Engine
    image: str
    port: int
    environment: Mapping[str, str]

    @property
    def options(self) -> list[str]:
        """The image, its recipe, no GPUs, and a folder for models."""
        return ["--tp=8", f"--set=profiles.tp8.flags.port={self.port}", f"--image={self.image}", "--devices=none"]

    def inspected(self, name: str) -> dict[str, object]:
        (found,) = json.loads(self.engine.run("inspect", "--type=container", name).stdout)
        assert isinstance(found, dict)
        return found

    def visit(self, path: str) -> None:
        """Ask the server, from outside of its container."""
        urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10).close()


@pytest.fixture(scope="module")
def stand_in_base(base: str, sglang_tree: SourceTree, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The base with a server that needs no GPU in the place of SGLang's."""
    folder = tmp_path_factory.mktemp("stand-in")
    fake = stand_in(folder / "fake", sglang_tree)
    files = {"sglang/__init__.py": b"", **{name: (fake / name).read_bytes() for name in FILES}}
    (folder / "layer.tar").write_bytes(tar(*(file(f"{PACKAGE}/{name}", content) for name, content in files.items())))
    name = f"{base.partition('/')[0]}/serving/base:v1"
    run("crane", "append", f"--base={base}", f"--new_layer={folder}/layer.tar", f"--new_tag={name}")
    return name


@pytest.fixture(scope="module", params=["docker", "podman"])
def served(
    request: pytest.FixtureRequest,
    stand_in_base: str,
    docker: DockerEngine,
    podman: PodmanEngine,
    tmp_path_factory: pytest.TempPathFactory,
) -> Served:
    """Its health check asks every second, from the start."""
    engine: Engine = {"docker": docker, "podman": podman}[request.param]
    both = {**docker.environment, **podman.environment}
    port, name = free_port(), "m2build/serving:tp8"
    recipe = [
        f"profiles.tp8.flags.port={port}",
        f"env.PYTHONPATH=/{PACKAGE}",
        "health.interval=1",
        "health.start_period=0",
    ]
    options = ["--tp=8", f"--base={stand_in_base}", f"--engine={engine.program}", "-t", name]
    said = "m2build: the image sets PYTHONPATH"
    (image,) = derived(both, *options, *(f"--set={one}" for one in recipe), said=said)
    home = tmp_path_factory.mktemp("home")
    return Served(engine, image, port, {**both, "HOME": str(home), "HF_HOME": f"{home}/models", "HF_TOKEN": TOKEN})


def wait_until_healthy(served: Served, name: str) -> None:
    """By Docker's own account; podman runs the check when it is asked to, without systemd."""
    for _ in range(100):
        if served.engine.program == "podman":
            is_healthy = served.engine.run("healthcheck", "run", name, check=False).returncode == 0
        else:
            found = served.engine.run("inspect", "--format={{.State.Health.Status}}", name)
            is_healthy = found.stdout == "healthy\n"
        if is_healthy:
            return
        time.sleep(0.1)
    raise AssertionError(served.engine.run("logs", name).stderr)


def test_the_emitted_command_starts_a_server_that_becomes_healthy(served: Served) -> None:
    """It is reached at the published port, can write the models' folder, and got the token as it started."""
    started = m2build("run", f"--engine={served.engine.program}", "-d", *served.options, environment=served.environment)
    try:
        assert started.returncode == 0, started.stderr
        wait_until_healthy(served, NAME)
        served.visit("/health")
        look = "import os; open('/root/.cache/huggingface/made', 'x'); print(os.environ['HF_TOKEN'], end='')"
        assert served.engine.run("exec", NAME, "python3", "-c", look).stdout == TOKEN
        assert Path(served.environment["HF_HOME"], "made").is_file()
        host = served.inspected(NAME)["HostConfig"]
        assert isinstance(host, dict)
        assert (host["Privileged"], host["ShmSize"], host["Init"]) == (False, 32 << 30, True)
        assert "no-new-privileges" in str(host["SecurityOpt"])
        served.engine.run("stop", NAME)
        assert served.engine.run("wait", NAME).stdout == "0\n"
    finally:
        served.engine.run("rm", "--force", NAME, check=False)


def test_in_the_foreground_a_crash_is_the_exit_code_of_the_command(served: Served, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "m2build", "run", f"--engine={served.engine.program}", *served.options]
    environment = {**os.environ, **served.environment}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().split()[1] == str(served.port).encode()
            wait_until_healthy(served, NAME)
            served.visit("/crash")
            assert process.wait(timeout=30) == 137
        finally:
            process.terminate()
    assert served.engine.run("inspect", NAME, check=False).returncode != 0, "it is removed when it ends"


@pytest.mark.parametrize("served", ["docker"], indirect=True)
def test_the_compose_file_starts_a_server_that_becomes_healthy(served: Served, tmp_path: Path) -> None:
    """With the machine's network, as a new one would change the machine's bridges."""
    options = [*served.options, "--security=amd-docs"]
    done = m2build("compose", *options, environment=served.environment)
    (tmp_path / "compose.yaml").write_text(done.stdout)
    compose = ["compose", f"--file={tmp_path}/compose.yaml", "--project-name=serving"]
    engine = DockerEngine({**served.environment})
    engine.run(*compose, "up", "--detach", "--quiet-pull")
    try:
        wait_until_healthy(served, "serving-server-1")
        served.visit("/health")
        assert served.inspected("serving-server-1")["RestartCount"] == 0
        served.visit("/crash")
        for _ in range(100):
            if served.inspected("serving-server-1")["RestartCount"]:
                break
            time.sleep(0.1)
        assert served.inspected("serving-server-1")["RestartCount"] == 1, "a crash is a failure to restart from"
    finally:
        engine.run(*compose, "down", "--timeout=1")
