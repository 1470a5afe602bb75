"""Builds that fail or are stopped: what is reported, and what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.engines.daemons import DockerEngine
from helpers.engines.engine import Engine
from helpers.engines.podmans import PodmanEngine
from helpers.images import file, tar
from helpers.plans import derive
from helpers.registry.registries import run

from m2build.base.model import Base
from m2build.base.open import open_base
from m2build.derivation.plan import Plan
from m2build.engines.container import ContainerEngine as Builder
from m2build.engines.docker import Docker
from m2build.engines.model import Task
from m2build.engines.podman import Podman
from m2build.errors import EngineError
from m2build.oci.digest import Digest
from m2build.places.place import Place
from m2build.progress import Silent
from m2build.recipes.load import load_recipe
from m2build.registry.access import Access

pytestmark = pytest.mark.engine

NAME = "never/built:tp8"
"""A name that no image may have at the end."""


@pytest.fixture
def engines(
    docker: DockerEngine, podman: PodmanEngine, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, tuple[Builder, Engine]]:
    """m2build's engines in this process, and the same ones by command."""
    for name, value in {**docker.environment, **podman.environment}.items():
        monkeypatch.setenv(name, value)
    return {"docker": (Docker(), docker), "podman": (Podman(), podman)}


def opened(name: str) -> Base:
    recipe = load_recipe("minimax-m2")
    access = Access.of(os.environ)
    return open_base(Place.parse(name), roots=recipe.roots, platform="linux/amd64", access=access)


def plan_for(base: Base) -> Plan:
    return derive(load_recipe("minimax-m2").select(profile="tp8"), base, environment={}, progress=Silent())


def failure(plan: Plan, builder: Builder) -> str:
    with pytest.raises(EngineError) as caught:
        builder.make(plan, Task(Place(builder.store, NAME), NAME, Silent()))
    assert caught.value.exit_code == 9
    return str(caught.value)


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_one_altered_byte_stops_the_build_before_anything_is_applied(
    engine: str, engines: Mapping[str, tuple[Builder, Engine]], base: str, tampered_base: str
) -> None:
    """The plan is of the good base; its name now means another image."""
    builder, by_command = engines[engine]
    plan, tampered = plan_for(opened(base)), opened(tampered_base)
    output = failure(replace(plan, base=replace(tampered, name=tampered_base)), builder)
    step, *printed = output.splitlines()
    assert "RUN set -eu" in step
    assert step.endswith("exit code 1")
    checks = [line.strip() for line in printed if line.endswith((": OK", ": FAILED"))]
    assert sorted(checks) == [
        "sglang/srt/models/deepseek_ocr.py: OK",
        "sglang/srt/models/kimi_linear.py: FAILED",
        "sglang/srt/models/minimax_m2.py: OK",
        "sglang/srt/models/transformers.py: OK",
    ], f"the pre-images, each once: no patch was applied, and nothing was checked after it: {output}"
    assert by_command.run("images", "--quiet", NAME).stdout == ""


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_missing_base_is_reported_with_the_engines_message(
    engine: str, engines: Mapping[str, tuple[Builder, Engine]], base: str, registry: str
) -> None:
    plan, name = plan_for(opened(base)), f"{registry}/gone/sglang:v1"
    gone = replace(plan.base, name=name, digest=Digest.of(b"gone"), image=None)
    output = failure(replace(plan, base=gone), engines[engine][0])
    assert f"{registry}/gone/sglang" in output
    assert "Traceback" not in output


@pytest.fixture
def slow_base(registry: str, base: str, tmp_path: Path) -> str:
    """The base with a slow git."""
    layer = tmp_path / "slow.tar"
    layer.write_bytes(tar(file("usr/local/bin/git", b"#!/bin/sh\nsleep 60\n", mode=0o755)))
    name = f"{registry}/slow/sglang:v1"
    run("crane", "append", f"--base={base}", f"--new_layer={layer}", f"--new_tag={name}")
    return name


@pytest.mark.parametrize("engine", ["docker", pytest.param("podman", marks=pytest.mark.sweep)])
def test_a_stopped_command_ends_the_build_and_leaves_no_image(
    engine: str, docker: DockerEngine, podman: PodmanEngine, slow_base: str, tmp_path: Path
) -> None:
    by_command: Engine = {"docker": docker, "podman": podman}[engine]
    command = [sys.executable, "-m", "m2build", "image", "--tp", "8", "--base", slow_base, "-t", NAME, "--load"]
    environment = {**os.environ, **by_command.environment, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [*command, f"--engine={engine}", "--progress=plain"], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr
        for line in process.stderr:
            if "transformers.py: OK" in line:
                break  # the first patch is being applied
        children = _children(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 130
        output = process.stderr.read()
    assert output.endswith("m2build: interrupted; nothing was left half-written\n")
    assert children
    for _ in range(100):
        if not any(map(_is_alive, children)):
            break
        time.sleep(0.1)
    assert [child for child in children if _is_alive(child)] == []
    assert by_command.run("images", "--quiet", NAME).stdout == ""
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("m2build-")] == []


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _is_alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False
