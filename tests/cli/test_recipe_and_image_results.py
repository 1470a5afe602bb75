"""What `recipe list|show` and `image` print and name, for people and for scripts."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from helpers.cli.checkouts import checkout, quickly
from helpers.commands import refused

from m2build.recipes.load import load_recipe, recipe_names


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("tree"))


def index(layout: Path) -> dict[str, str]:
    """Tag -> digest of a layout."""
    entries = json.loads((layout / "index.json").read_bytes())["manifests"]
    return {entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"] for entry in entries}


def config(layout: Path, digest: str) -> dict[str, Any]:
    manifest = json.loads((layout / "blobs" / digest.replace(":", "/")).read_bytes())
    found: dict[str, Any] = json.loads((layout / "blobs" / manifest["config"]["digest"].replace(":", "/")).read_bytes())
    return found


def test_recipe_list_names_profiles_and_models() -> None:
    lines = quickly("recipe", "list").splitlines()
    assert lines[0].startswith("minimax-m2  ")
    assert [line.split()[:2] for line in lines[1:5]] == [
        ["profile", "tp4:"], ["profile", "tp8:"], ["model", "minimax-m2.1:"], ["model", "minimax-m2:"],
    ]  # fmt: skip
    assert lines[3].endswith("MiniMaxAI/MiniMax-M2.1 (default)")
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == recipe_names()
    recipes = [load_recipe(name).model_dump(mode="json") for name in recipe_names()]
    assert json.loads(quickly("recipe", "list", "--json")) == recipes


def test_recipe_show() -> None:
    shown = quickly("recipe", "show")
    assert "docker.io/lmsysorg/sglang:v0.5.7-rocm700-mi30x (linux/amd64)" in shown
    assert "minimax-m2-rocm" in shown
    assert json.loads(quickly("recipe", "show", "--json")) == load_recipe("minimax-m2").model_dump(mode="json")
    profile = json.loads(quickly("recipe", "show", "--profile", "tp8", "--json"))
    assert (profile["port"], profile["title"]) == (8000, "MiniMax-M2.1, tp8")
    assert " ".join(profile["command"]) == quickly("recipe", "show", "--tp", "8").removesuffix("\n")


@pytest.mark.parametrize(
    ("options", "tag"),
    [
        (["--model", "minimax-m2"], "tp8"),
        (["-t", "registry.example:5000/team/m2"], "tp8"),
        (["-t", "team/m2:nightly"], "nightly"),
    ],
)
def test_what_is_printed_of_a_layout_is_where_the_image_is(
    options: list[str], tag: str, tree: Path, tmp_path: Path
) -> None:
    """The name is not the image's place: nothing is in that registry. Other commands read what is printed."""
    out = quickly("image", "--tp", "8", "--base", f"dir:{tree}", *options, "-o", f"oci:{tmp_path}/out")
    printed, _, digest = out.removesuffix("\n").partition("@")
    assert (printed, index(tmp_path / "out")) == (f"oci:{tmp_path}/out:{tag}", {tag: digest})
    assert f"manifest    {digest}" in quickly("inspect", out.strip())
    assert "is now another image" in refused(2, "inspect", f"oci:{tmp_path}/out:{tag}@sha256:{'0' * 64}")


def test_the_name_in_a_docker_archive(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tar"
    quickly("image", "--tp", "8", "--base", f"dir:{tree}", "-t", "team/m2:nightly", "-o", f"docker-archive:{out}")
    with tarfile.open(out) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest
        assert json.loads(manifest.read())[0]["RepoTags"] == ["team/m2:nightly"]


def test_an_overridden_port_is_used_everywhere(tree: Path, tmp_path: Path) -> None:
    """In the command, the exposed ports and the health check, and in the digest, which is another one."""
    image = ["image", "--tp", "8", "--base", f"dir:{tree}", "-o", f"oci:{tmp_path}/out"]
    plain = quickly(*image).strip().partition("@")[2]
    other = quickly(*image, "-t", "x:other", "--set", "profiles.tp8.flags.port=9000").strip().partition("@")[2]
    assert index(tmp_path / "out") == {"tp8": plain, "other": other}
    runtime = config(tmp_path / "out", other)["config"]
    assert runtime["Entrypoint"][3:6] == ["python3", "-m", "sglang.launch_server"]
    assert runtime["Entrypoint"][runtime["Entrypoint"].index("--port") + 1] == "9000"
    assert "Cmd" not in runtime
    assert list(runtime["ExposedPorts"]) == ["9000/tcp"]
    assert "or ['9000']" in runtime["Healthcheck"]["Test"][-1]
    assert list(config(tmp_path / "out", plain)["config"]["ExposedPorts"]) == ["8000/tcp"]


def test_an_existing_archive_is_replaced_if_asked(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder" / "out.tar"
    image = ["image", "--tp", "8", "--base", f"dir:{tree}", "-o", f"oci-archive:{out}"]
    first = quickly(*image)
    content = out.read_bytes()
    out.write_text("something else")
    assert quickly(*image, "--replace") == first
    assert out.read_bytes() == content


def test_dry_run_names_the_patches_the_files_and_the_command(tree: Path) -> None:
    """Without any output: only the plan is printed."""
    lines = quickly("image", "--tp", "8", "--base", f"dir:{tree}", "--dry-run").splitlines()
    heads = [line.split()[0] for line in lines]
    assert heads == [
        "plan", "recipe", "base", "created", "sources", "patch", "patch", "relevant:", "file", "file", "file",
        "removed", "layer", "entrypoint", "manifest", "engine", "to", "moves",
    ]  # fmt: skip
    assert "(stand-in)" in lines[2]
    assert lines[4] == "sources     /sgl-workspace/sglang/python"
    assert lines[11].endswith("/sgl-workspace/sglang/python/sglang/srt/models/transformers.py")
