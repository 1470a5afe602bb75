"""Commands of a user who may not read or write what they name: a sentence, exit code 16, and nothing half-written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from helpers.cli.another_user import OWNER, Outcome, without_rights
from helpers.cli.checkouts import checkout, derived, everything, quickly, wheel

IMAGE = ("image", "--tp", "8", "--progress", "quiet", "--base")
OPEN = (*IMAGE, "oci:base:base", "-o")
STATUS = ("patch", "status", "--source")
RENDER = ("render", "--tp", "8", "--source", "dir:tree", "--unpinned", "-o")
REBASE = ("rebase", "oci:no-blobs", "--old-base", "oci:base", "--base", "oci:base", "-o", "oci:open/out")
LOCK = ("lock", "--tp", "8", "--base", "oci:base", "--lock", "m2build.lock")
REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "folder of sources": ((*STATUS, "dir:no-tree"), "no-tree/sglang/srt/models cannot be read"),
    "folder in a hidden one": ((*STATUS, "dir:hidden/tree"), "hidden/tree cannot be read"),
    "wheel": ((*STATUS, "wheel:sglang-0.5.7-py3-none-any.whl"), "sglang-0.5.7-py3-none-any.whl cannot be read"),
    "series": (("patch", "list", "--series", "./no-text"), "no-text cannot be read"),
    "recipe": (("recipe", "show", "--recipe", "./no-text"), "no-text cannot be read"),
    "lock": ((*OPEN, "oci:open/out", "--lock", "no-text"), "no-text cannot be read"),
    "template": ((*RENDER, "open/out", "--template", "no-text"), "no-text cannot be read"),
    "rules": (("verify", "oci:out", "--base", "oci:base", "--require", "no-text"), "no-text cannot be read"),
    "diff to import": (("patch", "import", "--diff", "no-text", "--series", "open/s.yaml"), "no-text cannot be read"),
    "layout": ((*IMAGE, "oci:no-layout", "-o", "oci:open/out"), "no-layout/index.json cannot be read"),
    "layout in a hidden folder": ((*IMAGE, "oci:hidden/base", "-o", "oci:open/out"), "hidden/base cannot be read"),
    "place without a kind": (("inspect", "./hidden/base"), "hidden/base cannot be read"),
    "layers to derive from": ((*IMAGE, "oci:no-base", "-o", "oci:open/out"), "cannot be read"),
    "archive": ((*IMAGE, "oci-archive:no-text", "-o", "oci:open/out"), "no-text cannot be read"),
    "archive of Docker's": ((*IMAGE, "docker-archive:no-text", "-o", "oci:open/out"), "no-text cannot be read"),
    "layers to verify": (("verify", "oci:no-blobs", "--base", "oci:base"), "cannot be read"),
    "layers to inspect": (("inspect", "oci:no-blobs"), "cannot be read"),
    "layers to go back from": (("revert", "oci:no-blobs", "--base", "oci:base"), "cannot be read"),
    "layers to derive anew": (REBASE, "cannot be read"),
    "layout to write": ((*OPEN, "oci:new"), "new cannot be written"),
    "layout to add to": ((*OPEN, "oci:out:more"), "out cannot be written"),
    "archive to write": ((*OPEN, "oci-archive:new"), "new cannot be written"),
    "context to write": ((*RENDER, "new"), "new cannot be written"),
    "context that is hidden": ((*RENDER, "hidden"), "hidden cannot be written"),
    "tree to patch": (("patch", "apply", "--source", "dir:tree"), "cannot be written"),
    "lock to write": ((*LOCK[:-1], "new"), "new cannot be written"),
    "lock to update": ((*LOCK, "--update"), "m2build.lock cannot be written"),
    "lock of a mirror": (("base", "mirror", "127.0.0.1:1/a:b", "127.0.0.1:1/c", *LOCK[-2:]), "m2build.lock cannot"),
    "page to write": (("report", "oci:out", "--base", "oci:base", "-o", "new"), "new cannot be written"),
}  # fmt: skip
"""Commands, and what they say. Files that begin with `no-`, and folders called `hidden`, cannot be read."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder of another user, which all may enter."""
    with TemporaryDirectory(dir="/tmp") as made, pytest.MonkeyPatch.context() as patch:
        folder = derived(Path(made))
        patch.chdir(folder)
        quickly(*LOCK)
        shutil.copytree(checkout(folder / "tree"), folder / "no-tree")
        wheel(folder / "tree", folder / "sglang-0.5.7-py3-none-any.whl").chmod(0)
        (folder / "no-text").touch(0)
        shutil.copytree(folder / "base", folder / "no-layout")
        shutil.copytree(folder / "out", folder / "no-blobs")
        shutil.copytree(folder / "base", folder / "no-base")
        for blob in (*folder.glob("no-blobs/blobs/sha256/*"), *folder.glob("no-base/blobs/sha256/*")):
            blob.chmod(0o644 if blob.read_bytes()[:1] == b"{" else 0)
        for path in ("no-tree/sglang/srt/models", "no-layout/index.json"):
            (folder / path).chmod(0)
        for name, mode in {"hidden": 0o700, "open": 0o777, ".": 0o755}.items():
            (folder / name).mkdir(exist_ok=True)
            (folder / name).chmod(mode)
        for one in (folder, *folder.rglob("*")):
            os.chown(one, OWNER, OWNER, follow_symlinks=False)
        yield folder


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[str, Outcome]:
    commands = {name: words for name, (words, _) in REFUSED.items()}
    before = everything(folder)
    found = without_rights(folder, commands, {"HOME": str(folder / "hidden")})
    assert everything(folder) == before
    return found


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_or_written_is_named(case: str, outcomes: dict[str, Outcome]) -> None:
    code, stdout, stderr = outcomes[case]
    assert (code, stdout) == (16, ""), stderr
    assert REFUSED[case][1] in stderr
    assert "Permission denied" in stderr
    assert len(stderr.splitlines()) <= 2


def test_a_cache_that_cannot_be_used_changes_nothing(folder: Path) -> None:
    commands = {
        "image": (*OPEN, "oci:open/image"),
        "verify": ("verify", "oci:out", "--base", "oci:base", "--progress", "quiet"),
        "show": ("cache", "show"),
        "release": (*IMAGE, "pypi:sglang==0.5.7", "-o", "oci:open/release"),
    }
    found = without_rights(folder, commands, {"XDG_CACHE_HOME": str(folder / "hidden")})
    release = found.pop("release")
    assert (release.code, release.stdout) == (16, "")
    assert release.stderr.endswith("set XDG_CACHE_HOME to a folder that can be written\n")
    assert [(one.code, one.stderr) for one in found.values()] == [(0, "")] * 3
    assert found["image"].stdout.rpartition("@")[2] in quickly(*OPEN, f"oci:{folder}/open/root")
