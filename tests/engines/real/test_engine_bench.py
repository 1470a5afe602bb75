"""The benchmark's client in containers of real engines: of a running one, and of an image."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.engines.engine import Engine
from helpers.images import file, folder, tar
from helpers.registry.registries import run
from helpers.serving.fake_client import fake_files

from m2build import bench
from m2build.progress import Silent

pytestmark = pytest.mark.engine

SECRET = "sk-0123456789"
LABELS = {"dev.m2build.recipe": "minimax-m2", "dev.m2build.profile": "tp8"}


@pytest.fixture(scope="module")
def name(registry: str, system: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image that has the client, in the registry."""
    layer = tmp_path_factory.mktemp("client") / "client.tar"
    files = [file(path, text.encode()) for path, text in fake_files().items()]
    layer.write_bytes(tar(folder("tmp", 0o1777), folder("sglang"), *files))
    name = f"{registry}/bench/client:v1"
    run("crane", "append", f"--new_layer={system}", f"--new_layer={layer}", f"--new_tag={name}")
    labels = [f"--label={key}={value}" for key, value in LABELS.items()]
    run("crane", "mutate", name, "--set-platform=linux/amd64", "--workdir=/", *labels, f"--tag={name}")
    return name


@pytest.fixture(params=["docker", "podman"])
def engine(
    request: pytest.FixtureRequest, both: Mapping[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> Engine:
    for key, value in both.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    chosen: Engine = request.getfixturevalue(request.param)
    chosen.run("pull", name)
    return chosen


class Interrupted(Exception):  # noqa: N818 - a user's Ctrl-C
    pass


class Interrupting(Silent):
    """Interrupts at the client's first line."""

    def output(self, line: str) -> None:
        assert line == "waiting"
        raise Interrupted


def ends(engine: Engine, container: str) -> bool:
    """Whether, within some seconds, no client runs in the container."""
    for _ in range(50):
        if "sglang" not in engine.run("top", container).stdout:
            return True
        time.sleep(0.1)
    return False


def measured(client: bench.Client, folder: Path) -> dict[str, object]:
    """One run by the client; its sidecar."""
    trial = bench.scenarios("low", prompts=2)
    (result,) = bench.run_scenarios(bench.Target("http://127.0.0.1:1"), trial, folder, client=client)
    assert result.figures["output_throughput"] == 40
    texts = [path.read_text() for path in folder.iterdir()]
    assert [SECRET in text for text in texts] == [False, False]
    assert '"api_key": "***"' in "".join(texts), "the container's client had the key"
    sidecar = json.loads((folder / "low.json").read_text())
    assert isinstance(sidecar, dict)
    return sidecar


def test_the_client_runs_in_a_container_and_in_an_image(engine: Engine, name: str, tmp_path: Path) -> None:
    digest = run("crane", "digest", name).decode().strip()
    with bench.in_image(engine.program, name) as client:
        (container,) = engine.run("ps", "--format", "{{.Names}}").stdout.split()
        in_container = bench.in_container(engine.program, container)
        found = [measured(client, tmp_path / "image"), measured(in_container, tmp_path / "container")]
        with pytest.raises(Interrupted):
            bench.run_scenarios(
                bench.Target("http://hangs"),
                bench.scenarios("low", prompts=2),
                tmp_path / "interrupted",
                client=in_container,
                progress=Interrupting(),
            )
        assert ends(engine, container), "the client ends with m2build"
        left = engine.run("exec", container, "python3", "-c", "import os; print(os.listdir('/tmp'))").stdout
    assert left == "[]\n"
    assert engine.run("ps", "--all", "--format", "{{.Names}}").stdout == ""
    for sidecar in found:
        image = sidecar["image"]
        assert isinstance(image, dict)
        assert any(str(one).endswith(f"@{digest}") for one in image["digests"])
        assert (sidecar["recipe"], sidecar["profile"]) == ("minimax-m2", "tp8")
    assert [sidecar["client"]["where"] for sidecar in found] == [f"image {name}", f"container {container}"]  # type: ignore[index]  # JSON
