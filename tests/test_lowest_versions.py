"""m2build works with the lowest versions of the distributions that it needs, as an environment may pin them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.checkout import ROOT, copy_checkout
from helpers.registry.registries import docker_registry
from packaging.requirements import Requirement

pytestmark = pytest.mark.sweep

STAND_IN = ("--base", "pypi:sglang==0.5.7")
COMMANDS = {
    "a recipe": ["recipe", "show", "--yaml"],
    "the patches": ["patch", "diff", "--source", "pypi:sglang==0.5.7"],
    "an image with evidence": ["image", "--tp", "8", *STAND_IN, "-t", "{host}/m2:tp8", "--push", "--attest"],
    "a proof": ["verify", "{host}/m2:tp8", *STAND_IN],
    "a build context": [
        "render",
        "--tp",
        "8",
        "--source",
        "pypi:sglang==0.5.7",
        "--unpinned",
        "-o",
        "{folder}/context",
    ],
    "Kubernetes' objects": ["kubernetes", "--tp", "4", "--image", "{host}/m2:tp8", "-o", "{folder}/serving"],
    "a schema": ["image", "--schema"],
}


@pytest.fixture(scope="module")
def lowest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `m2build`, installed beside the lowest versions that pyproject.toml allows."""
    folder = tmp_path_factory.mktemp("lowest")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = [_lowest(Requirement(line)) for line in project["dependencies"]]
    venv.create(folder / "venv", symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "venv/bin/python"), "install", "--quiet"]
    subprocess.run([*pip, str(copy_checkout(folder / "sources")), *pins], check=True, capture_output=True)
    return folder / "venv/bin/m2build"


def _lowest(needed: Requirement) -> str:
    (bound,) = needed.specifier
    assert bound.operator == ">=", needed
    return f"{needed.name}=={bound.version}"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


def test_commands_print_what_they_print_with_the_newest(lowest: Path, host: str, tmp_path: Path) -> None:
    for what, words in COMMANDS.items():
        printed: list[str] = []
        for command in ([str(lowest)], [sys.executable, "-m", "m2build"]):
            folder = tmp_path / str(len(printed))
            folder.mkdir(exist_ok=True)
            filled = [word.format(host=host, folder=folder) for word in words]
            done = subprocess.run([*command, *filled], capture_output=True, text=True, check=False, cwd=folder)
            assert done.returncode == 0, (what, done.stderr)
            assert "warn" not in done.stderr.lower(), (what, done.stderr)
            printed.append(done.stdout.replace(str(folder), "FOLDER"))
        assert printed[0] == printed[1], what
