"""Containers of the stock base with mounts: they see what a container of the derived image sees."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import py_compile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.engines.daemons import DockerEngine
from helpers.engines.engine import Engine
from helpers.engines.podmans import PodmanEngine
from helpers.images import Entry, file, folder, tar
from helpers.registry.registries import run

import m2build
from m2build import mounts
from m2build.patches import Codemod, Patch, load_series, write_tree
from m2build.patches.codemods.files import AddFile, DeleteFile
from m2build.patches.codemods.replace_text import ReplaceText

pytestmark = pytest.mark.engine

ROOT = "/sgl-workspace/sglang/python"
MODELS = f"{ROOT}/sglang/srt/models"
APP = "sglang/srt/models/app"
ODD = f'{APP}/it\'s $5, a "name" é.txt'
SCRIPT = b"#!/bin/sh\necho new\n"
OLD = b"value = 1\n"
CODEMODS: dict[str, Codemod] = {
    "delete": DeleteFile(f"{APP}/old.py", (hashlib.sha256(OLD).hexdigest(),)),
    "add": AddFile("run.sh", hashlib.sha256(SCRIPT).hexdigest(), f"{APP}/new/deep/run.sh", "0755", content=SCRIPT),
    "odd": ReplaceText(ODD, "old", "new"),
    "only": ReplaceText(f"{APP}/only/__init__.py", "1", "2"),
}
LIST = f"""
import os
found = [os.path.join(folder, name) for folder, _, names in os.walk({ROOT!r}) for name in names]
files = sorted(path for path in found if os.path.isfile(path) and "__pycache__" not in path and "/.git/" not in path)
for path in files:
    if os.access(path, os.X_OK):
        print("executable", path, flush=True)
os.execvp("sha256sum", ["sha256sum", *files])
"""
LOOK = f"""
import importlib.util, json, pathlib
models = pathlib.Path({MODELS!r})
def is_stale(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    return "STALE" in spec.loader.get_code(name).co_names
print(json.dumps({{
    "transformers": importlib.util.find_spec("transformers") is not None,
    "is_file": (models / "transformers.py").is_file() or (models / "app/old.py").is_file(),
    "stale": [
        str(path) for path in (models / "minimax_m2.py", models / "app/only/__init__.py")
        if is_stale(path.stem, path)
    ],
}}))
"""
"""`models` is the working directory, and so the first entry of sys.path."""


@dataclass(frozen=True)
class Made:
    """A base in a registry, the image derived from it, and a folder of mounts for each form."""

    base: str
    derived: str
    folder: Path

    def options(self, form: str) -> list[str]:
        """The options in a form's file."""
        return (self.folder / form / "volumes.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def made(base: str, tmp_path_factory: pytest.TempPathFactory) -> Made:
    work = tmp_path_factory.mktemp("mounts")
    host, recipe = base.partition("/")[0], m2build.load_recipe("minimax-m2")
    layer = work / "app.tar"
    layer.write_bytes(tar(*app(), *stale_bytecode(work)))
    stock = f"{host}/mounts/base:v1"
    run("crane", "append", f"--base={base}", f"--new_layer={layer}", f"--new_tag={stock}")
    patches = (
        Patch.of(codemod, id=name, summary="A change", why="Because.", author="Jo", last_update="2026-11-27")
        for name, codemod in CODEMODS.items()
    )
    series = load_series("minimax-m2-rocm").extended(*patches, id="mine")
    with m2build.Session() as session:
        plan = session.plan(recipe.select(tp=8), session.base(recipe, stock), series=series)
        derived = session.deliver(plan, f"docker://{host}/mounts/derived:v1").reference
        tree = session.sources(plan.base, source_root=recipe.base.source_root)
        name = f"{host}/mounts/volume:v1"
        for form in ("volumes", "compose", "image-volume"):
            files = mounts.render_mounts(plan, form, work / form, trees=[tree], reference=name)
            write_tree(files, work / form)
        session.push(f"oci:{work}/image-volume/image", name)
    assert derived is not None
    return Made(stock, derived, work)


def app() -> list[Entry]:
    """A package that the series changes, beside SGLang's own."""
    files = {f"{APP}/__init__.py": b"", f"{APP}/old.py": OLD, ODD: b"old\n", f"{APP}/only/__init__.py": b"x = 1\n"}
    folders = [folder(f"{ROOT[1:]}/{name}") for name in (APP, f"{APP}/only")]
    return [*folders, *(file(f"{ROOT[1:]}/{path}", content) for path, content in files.items())]


def stale_bytecode(work: Path) -> list[Entry]:
    """Bytecode that Python uses without looking at its source (PEP 552)."""
    (work / "stale.py").write_text("STALE = True\n")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = py_compile.compile(str(work / "stale.py"), str(work / "stale.pyc"), invalidation_mode=mode)
    assert compiled is not None
    content = Path(compiled).read_bytes()
    sources = (f"{MODELS}/minimax_m2.py", f"{MODELS}/llama.py", f"{MODELS}/app/only/__init__.py")
    names = [importlib.util.cache_from_source(source)[1:] for source in sources]
    folders = [folder(parent) for parent in sorted({name.rpartition("/")[0] for name in names})]
    return [*folders, *(file(name, content) for name in names)]


def python(engine: Engine, image: str, script: str, options: Sequence[str] = ()) -> str:
    """What a script prints in a container whose working directory is that of the models."""
    where = (f"--workdir={MODELS}", "--entrypoint=python3")
    return engine.run("run", "--rm", *options, *where, image, "-c", script).stdout


CURED = {"transformers": False, "is_file": False, "stale": []}


def test_the_base_has_what_the_mounts_have_to_hide(docker: DockerEngine, made: Made) -> None:
    assert json.loads(python(docker, made.base, LOOK)) == {
        "transformers": True, "is_file": True,
        "stale": [f"{MODELS}/minimax_m2.py", f"{MODELS}/app/only/__init__.py"],
    }  # fmt: skip
    assert python(docker, made.base, LIST) != python(docker, made.derived, LIST)


@pytest.mark.parametrize("form", ["volumes", "image-volume"])
def test_docker_shows_what_the_derived_image_holds(form: str, docker: DockerEngine, made: Made) -> None:
    if form == "image-volume":
        docker.run("pull", volume(made))
    expected = python(docker, made.derived, LIST)
    assert f"executable {MODELS}/app/new/deep/run.sh\n" in expected
    assert python(docker, made.base, LIST, made.options(form)) == expected
    assert json.loads(python(docker, made.base, LOOK, made.options(form))) == CURED


def volume(made: Made) -> str:
    """The image of the image volume, as the options name it."""
    return made.options("image-volume")[0].partition("source=")[2].partition(",")[0]


def test_podman_shows_what_the_derived_image_holds(podman: PodmanEngine, made: Made) -> None:
    assert python(podman, made.base, LIST, made.options("volumes")) == python(podman, made.derived, LIST)
    assert json.loads(python(podman, made.base, LOOK, made.options("volumes"))) == CURED


def test_compose_shows_what_the_derived_image_holds(docker: DockerEngine, made: Made) -> None:
    """With a second file, as a user adds devices and ports; here it leaves out the network, which needs a bridge."""
    own = made.folder / "own.yaml"
    own.write_text(f"services: {{server: {{network_mode: none, working_dir: {MODELS}}}}}\n")
    files = [f"--file={path}" for path in (made.folder / "compose" / "compose.yaml", own)]

    def server(script: str) -> str:
        return docker.run("compose", *files, "run", "--rm", "--entrypoint=python3", "server", "-c", script).stdout

    assert server(LIST) == python(docker, made.derived, LIST)
    assert json.loads(server(LOOK)) == CURED


def test_the_account_checks_the_image_before_it_is_used(docker: DockerEngine, made: Made) -> None:
    """What docs/mounts.md says to do if the sources were given with --source."""
    check = ["--entrypoint=sha256sum", f"--workdir={ROOT}"]
    words = ["--check", "--strict", "/account/before.sha256"]
    account = f"--volume={made.folder}/volumes/account:/account:ro"
    done = docker.run("run", "--rm", account, *check, made.base, *words)
    assert done.stdout.count(": OK") == 7
    done = docker.run("run", "--rm", account, *check, made.derived, *words, check=False)
    assert done.returncode == 1
