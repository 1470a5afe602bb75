"""The report on published images: names that move, images before a failure, and files that cannot be written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.commands import m2build, succeeds
from helpers.registry.faultproxy import Rule, fault_proxy
from helpers.registry.registries import tag_digest, upload
from helpers.support import small_disk

BASE = base_image()


def moved(name: str, before: object, now: object) -> str:
    return f"m2build: docker://{name} named {before} before, and names {now} now\n"


@pytest.mark.parametrize("how", ["HEAD", "GET"])
def test_a_registrys_tag_that_moves_is_reported(how: str, stocked: str) -> None:
    """By `image` and by `push`; some registries do not support HEAD for manifests, so m2build uses GET."""
    repository = f"moving/{how.lower()}"
    upload(stocked, repository, BASE, "tp8")
    rules = [Rule("HEAD", "/manifests/", status=405)] if how == "GET" else []
    with fault_proxy(stocked, *rules) as proxy:
        name = f"{proxy.host}/{repository}:tp8"
        run = m2build("image", "--tp", "8", "--base", f"{stocked}/team/sglang:rocm", "-t", name, "--push")
        digest = run.stdout.strip().partition("@")[2]
        assert (run.returncode, run.stderr) == (0, moved(name, BASE.manifest.digest, digest))
        run = m2build("push", f"docker://{stocked}/team/sglang:rocm", name)
        assert (run.returncode, run.stderr) == (0, moved(name, digest, BASE.manifest.digest))
        assert run.stdout == f"{name.removesuffix(':tp8')}@{BASE.manifest.digest}\n"


def test_a_new_tag_and_the_same_again_move_nothing(stocked: str) -> None:
    command = ("image", "--tp", "8", "--base", f"{stocked}/team/sglang:rocm", "-t", f"{stocked}/calm/m2", "--push")
    first = succeeds(*command)
    assert succeeds(*command) == first
    assert succeeds("push", f"docker://{first.strip()}", f"{stocked}/calm/m2:tp8") == first


@pytest.mark.parametrize("mode", ["names", "json"])
def test_of_several_images_those_before_a_failure_are_reported(mode: str, stocked: str, tmp_path: Path) -> None:
    """With the exit code of the failure: their tags have moved, and the user has to know."""
    with fault_proxy(stocked, Rule("PUT", "/manifests/tp8", status=403)) as proxy:
        name = f"{proxy.host}/partly/{mode}"
        command = ("image", "--tp", "4", "--tp", "8", "--base", f"{stocked}/team/sglang:rocm", "-t", name, "--push")
        options = ["--json"] if mode == "json" else []
        run = m2build(*command, *options, "--metadata-file", tmp_path / "metadata.json")
    digest = tag_digest(stocked, f"partly/{mode}", "tp4")
    assert run.returncode == 8
    assert f"{name} cannot be written" in run.stderr
    metadata = json.loads((tmp_path / "metadata.json").read_text())
    assert metadata.keys() == {f"{name}:tp4"}
    assert metadata[f"{name}:tp4"]["containerimage.digest"] == digest
    assert json.loads(run.stdout) == metadata if mode == "json" else run.stdout == f"{name}@{digest}\n"
    assert tag_digest(stocked, f"partly/{mode}", "tp8") is None


def test_if_the_first_image_fails_nothing_is_reported(stocked: str, tmp_path: Path) -> None:
    with fault_proxy(stocked, Rule("PUT", "/manifests/", status=403)) as proxy:
        command = ("--base", f"{stocked}/team/sglang:rocm", "-t", f"{proxy.host}/never", "--push")
        run = m2build("image", "--tp", "4", "--tp", "8", *command, "--metadata-file", tmp_path / "metadata.json")
    assert (run.returncode, run.stdout, (tmp_path / "metadata.json").exists()) == (8, "", False)


@pytest.mark.parametrize("option", ["--metadata-file", "--iidfile"])
def test_a_disk_that_is_full_once_the_tag_has_moved(option: str, stocked: str, tmp_path: Path) -> None:
    """The digest is printed; the other file is written."""
    other = "--iidfile" if option == "--metadata-file" else "--metadata-file"
    name = f"{stocked}/full{option}"
    with small_disk(tmp_path / "disk", "8k") as disk:
        (disk / "rest").write_bytes(bytes(8 << 10))
        command = ("image", "--tp", "8", "--base", f"{stocked}/team/sglang:rocm", "-t", name, "--push")
        run = m2build(*command, option, disk / "file", other, tmp_path / "other")
        assert run.returncode == 16
        assert run.stdout == f"{name}@{tag_digest(stocked, f'full{option}', 'tp8')}\n"
        assert "No space left on device" in run.stderr
        assert (tmp_path / "other").is_file()
        assert not (disk / "file").exists()
