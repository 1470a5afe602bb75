"""Disks that are full or read-only: one sentence, exit code 16, and nothing half-written."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout, everything, quickly, store
from helpers.commands import refused
from helpers.support import need_tool, small_disk

OUTPUTS = pytest.mark.parametrize("output", ["oci:{}/out", "oci-archive:{}/out.tar", "docker-archive:{}/out.tar"])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A base of some 300 KB, more than the disks below take."""
    folder = tmp_path_factory.mktemp("base")
    store(f"oci:{folder}/layout:base", bytes(300 * 1024))
    return f"oci:{folder}/layout:base"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 KiB with one file on it."""
    with small_disk(tmp_path / "disk", "128k") as folder:
        (folder / "precious.txt").write_text("precious")
        yield folder


def read_only(disk: Path) -> None:
    subprocess.run([need_tool("mount"), "-o", "remount,ro", disk], check=True)


def sentence(stderr: str) -> str:
    first, second = stderr.splitlines()
    assert first.startswith("m2build: ")
    assert second.startswith("  ")
    return first


@OUTPUTS
def test_a_full_disk(output: str, base: str, disk: Path) -> None:
    stderr = refused(16, "image", "--tp", "8", "--base", base, "-o", output.format(disk))
    assert "No space left on device" in sentence(stderr)
    assert everything(disk) == {"precious.txt": b"precious"}


@OUTPUTS
def test_a_read_only_disk(output: str, base: str, disk: Path) -> None:
    read_only(disk)
    stderr = refused(16, "image", "--tp", "8", "--base", base, "-o", output.format(disk))
    assert "Read-only file system" in sentence(stderr)
    assert everything(disk) == {"precious.txt": b"precious"}


def test_a_full_disk_leaves_an_existing_layout_as_it_was(tree: Path, base: str, disk: Path) -> None:
    """The first image fits, the second one does not."""
    quickly("image", "--tp", "8", "--base", f"dir:{tree}", "-o", f"oci:{disk}/out")
    before = everything(disk)
    assert "No space left" in sentence(refused(16, "image", "--tp", "4", "--base", base, "-o", f"oci:{disk}/out"))
    assert everything(disk) == before


@pytest.mark.parametrize("option", ["--metadata-file", "--iidfile"])
def test_an_account_that_cannot_be_written_is_noticed_before_the_image_is(
    option: str, tree: Path, disk: Path, tmp_path: Path
) -> None:
    read_only(disk)
    image = ["image", "--tp", "8", "--base", f"dir:{tree}", "-o", f"oci:{tmp_path}/out"]
    assert f"{disk}/file cannot be written" in sentence(refused(16, *image, option, disk / "file"))
    assert not (tmp_path / "out").exists()


def test_a_patched_tree_that_does_not_fit_is_not_begun(tree: Path, disk: Path) -> None:
    (disk / "ballast").write_bytes(bytes(120 * 1024))
    before = everything(disk)
    stderr = refused(16, "patch", "apply", "--source", tree, "-o", disk / "new")
    assert "No space left on device" in sentence(stderr)
    assert everything(disk) == before


def test_a_checkout_on_a_full_disk_is_left_as_it_was(disk: Path) -> None:
    checkout(disk / "mine")
    (disk / "ballast").write_bytes(bytes(100 * 1024))
    before = everything(disk)
    assert "No space left on device" in sentence(refused(16, "patch", "apply", "--source", disk / "mine"))
    assert everything(disk) == before


def test_a_checkout_on_a_read_only_disk_is_left_as_it_was(tree: Path, disk: Path) -> None:
    checkout(disk / "mine")
    before = everything(disk)
    read_only(disk)
    for command in (("apply", "--source", disk / "mine"), ("diff", "--source", tree, "-o", disk / "new")):
        assert "Read-only file system" in sentence(refused(16, "patch", *command))
    assert everything(disk) == before
