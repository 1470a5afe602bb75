"""`m2build mounts` by command: the folder that it writes, and what it refuses."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click
import pytest
from helpers.cli.checkouts import MODELS, checkout, store
from helpers.commands import refused, succeeds
from helpers.registry.registries import docker_registry, run

from m2build.cli.mounts import mounts
from m2build.mounts.render import Form

MOUNTS = ("mounts", "--tp", "8", "--unpinned", "--source", "dir:tree")
RENAMED = f"sgl-workspace/sglang/python/{MODELS}/hf_transformers_model.py"
PLACE = ("mounts", "--tp", "8", "--base", "oci:base:base", "--form", "image-volume")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkout(tmp_path / "tree")
    return tmp_path


def test_the_command_knows_the_forms_of_the_library() -> None:
    (form,) = [option for option in mounts.params if option.name == "form"]
    assert isinstance(form.type, click.Choice)
    assert list(form.type.choices) == list(Form)


@pytest.mark.parametrize("form", ["volumes", "compose"])
def test_the_folder_holds_the_files_and_what_mounts_them(form: str, folder: Path) -> None:
    assert succeeds(*MOUNTS, "--form", form, "-o", "mounts", cwd=folder) == "mounts\n"
    lines = {"volumes": "volumes.txt", "compose": "compose.yaml"}[form]
    assert {path.name for path in (folder / "mounts").iterdir()} == {"account", "files", lines}
    pinned = (folder / "mounts/account/after.sha256").read_text()
    content = (folder / "mounts/files" / RENAMED).read_bytes()
    assert f"{hashlib.sha256(content).hexdigest()}  {MODELS}/hf_transformers_model.py\n" in pinned


def test_the_options_name_the_folder_from_the_root(folder: Path) -> None:
    succeeds(*MOUNTS, "-o", "./mounts", cwd=folder)
    assert f"--volume={folder}/mounts/files/{RENAMED}:/{RENAMED}:ro\n" in (folder / "mounts/volumes.txt").read_text()


def test_the_published_image_is_the_one_that_the_patch_names(folder: Path) -> None:
    store(f"oci:{folder}/base:base")
    (folder / "registry").mkdir()
    with docker_registry(folder / "registry") as host:
        name = f"{host}/team/mounts:v1"
        succeeds(*PLACE, "-t", name, "-o", "mounts", cwd=folder)
        succeeds("push", "oci:./mounts/image", name, cwd=folder)
        assert (
            f"reference: {name}@{run('crane', 'digest', name).decode().strip()}\n"
            in (folder / "mounts/patch.yaml").read_text()
        )
        run("crane", "validate", f"--remote={name}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*MOUNTS, "--form", "configmap"), f"{MODELS}/transformers.py has to go, and a ConfigMap cannot hide a file"),
        ((*MOUNTS, "--form", "image-volume"), "--form image-volume and -t NAME belong together"),
        ((*MOUNTS, "-t", "a:b"), "--form image-volume and -t NAME belong together"),
        ((*MOUNTS, "--form", "image-volume", "-t", "a:b"), "the base was not read"),
        (("mounts", "--tp", "8", "--form", "image-volume", "-t", "A:b"), "not an image reference"),
        ((*MOUNTS, "--form", "helm"), "'helm' is not one of"),
        (
            ("mounts", "--tp", "8", "--base", "dir:tree", "--form", "compose"),
            "the base has to be one that an engine can pull",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(
    arguments: tuple[str, ...], message: str, folder: Path
) -> None:
    assert message in refused(2, *arguments, "-o", "mounts", cwd=folder)
    assert not (folder / "mounts").exists()


def test_what_exists_is_not_overwritten(folder: Path) -> None:
    (folder / "mounts").mkdir()
    (folder / "mounts" / "mine").touch()
    assert "mounts exists already" in refused(2, *MOUNTS, "-o", "mounts", cwd=folder)
    assert [path.name for path in (folder / "mounts").iterdir()] == ["mine"]
