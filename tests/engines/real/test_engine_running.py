"""The derived images, run: they start the profile's command, and the patches work in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.engines.daemons import DockerEngine
from helpers.engines.deriving import derived
from helpers.engines.engine import Engine
from helpers.engines.podmans import PodmanEngine

from m2build.recipes.load import load_recipe

pytestmark = pytest.mark.engine

MODELS = "/sgl-workspace/sglang/python/sglang/srt/models"
ENGINES = ("docker", "podman", "embedded")
LOOK = f"""
import ast, importlib.util, json, pathlib
models = pathlib.Path({MODELS!r})
tree = ast.parse((models / "minimax_m2.py").read_text())
spec = importlib.util.find_spec("transformers")  # this folder is the first entry of sys.path
print(json.dumps({{
    "new": (models / "hf_transformers_model.py").is_file(),
    "old": (models / "transformers.py").exists(),
    "decorators": [
        ast.unparse(decorator) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list if "compile" in ast.unparse(decorator)
    ],
    "importers": sorted(
        path.name for path in models.glob("*.py") if "sglang.srt.models.transformers" in path.read_text()
    ),
    "transformers": spec and spec.origin,
}}))
"""
SERVER = "import json, os, sys; print(json.dumps([os.getpid(), *sys.argv[1:]]))\n"
"""In the place of SGLang's server, which needs a GPU: it prints its arguments."""


@pytest.fixture(scope="module")
def images(base: str, docker: DockerEngine, podman: PodmanEngine) -> Mapping[str, tuple[Engine, str]]:
    """The image that each engine built, and an engine that has it."""
    environment = {**docker.environment, **podman.environment}
    name = f"{base.rpartition('/')[0]}/run:tp8"
    derived(environment, "--tp", "8", "--base", base, "-t", name, "--push")
    common = ("--tp", "8", "--base", base)
    (by_docker,) = derived(environment, *common, "--engine=docker")
    (by_podman,) = derived(environment, *common, "--engine=podman")
    return {"docker": (docker, by_docker), "podman": (podman, by_podman), "embedded": (docker, name)}


def look(engine: Engine, image: str) -> dict[str, object]:
    """What Python finds in a container whose working directory is that of the models."""
    done = engine.run("run", "--rm", f"--workdir={MODELS}", "--entrypoint=python3", image, "-c", LOOK)
    document: dict[str, object] = json.loads(done.stdout)
    return document


def test_the_base_has_the_failures_that_the_patches_cure(docker: DockerEngine, base: str) -> None:
    assert look(docker, base) == {
        "new": False,
        "old": True,
        "decorators": ["torch.compile(dynamic=True, backend=get_compiler_backend())"],
        "importers": ["deepseek_ocr.py", "kimi_linear.py"],
        "transformers": f"{MODELS}/transformers.py",
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_the_image_has_none_of_them(engine: str, images: Mapping[str, tuple[Engine, str]]) -> None:
    assert look(*images[engine]) == {
        "new": True, "old": False, "decorators": [], "importers": [], "transformers": None,
    }  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_running_the_image_starts_the_profiles_command(
    engine: str, images: Mapping[str, tuple[Engine, str]], tmp_path: Path
) -> None:
    """By the init, which is process 1; what follows the image's name is appended."""
    server = tmp_path / "fake" / "sglang" / "launch_server.py"
    server.parent.mkdir(parents=True)
    server.write_text(SERVER)
    runs, image = images[engine]
    fake = [f"--volume={tmp_path}/fake:/fake:ro", "--env=PYTHONPATH=/fake", "--workdir=/"]
    module = load_recipe("minimax-m2").select(profile="tp8").command
    assert module[:3] == ("python3", "-m", "sglang.launch_server")
    for more in ([], ["--port", "9000", "--log-level", "debug"]):
        done = runs.run("run", "--rm", *fake, image, *more)
        number, *arguments = json.loads(done.stdout)
        assert (number > 1, arguments) == (True, [*module[3:], *more])


@pytest.mark.parametrize("engine", ENGINES)
def test_the_image_holds_its_own_account(engine: str, images: Mapping[str, tuple[Engine, str]]) -> None:
    """The audit's first step, inside: sha256sum checks every patched file."""
    runs, image = images[engine]
    check = "cd /sgl-workspace/sglang/python && sha256sum --check --strict /opt/m2build/after.sha256"
    done = runs.run("run", "--rm", "--entrypoint=/bin/sh", image, "-ec", check)
    assert done.stdout.count(": OK") == 4
