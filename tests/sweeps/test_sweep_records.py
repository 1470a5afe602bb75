"""Hostile records in a repository: `patch revert` and `patch apply` never change anything outside the folder."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.patches.series_files import DECORATOR, FILES, RENAME, series_of
from helpers.patches.trees import tree_of, write

from m2build.errors import M2BuildError
from m2build.patches.applying import change_directory, revert_directory
from m2build.patches.changeset import apply_series
from m2build.patches.registry import load_codemods
from m2build.patches.sources import from_directory

pytestmark = pytest.mark.sweep

CASES = 600
CHUNKS = 6
PATHS = (
    "../outside/secret", "/etc/hostname", "pkg/../../outside/secret", "link/secret", "pkg/norm.py/x", "", ".", "..",
    ".git/hooks/pre-commit", ".GIT/config", ".m2build/small/README", "pkg//norm.py", "pkg/./norm.py", "pipe", "pkg",
    "a\0b", "x" * 5000, "/".join(["d"] * 3000), "out", "pkg/new.py", "pkg/norm.py", "\udcff", "new/../../outside/new",
)  # fmt: skip
VALUES: tuple[Any, ...] = (None, 0, -1, 1e400, "", [], {}, True, "04755", "7777777", "0o644", 2**70, *PATHS)
CONTENT = b"after\n"


def hostile(random: random.Random) -> bytes:
    """A record's account: true states at hostile paths, or hostile values, or no account at all."""
    match random.randrange(5):
        case 0:
            return random.choice([b"", b"[", b"[" * 100_000, b'{"files": 1}', b"null", b"\xff", b'{"files": [[]]}'])
        case 1:
            return json.dumps({"files": [random.choice(VALUES)]}).encode()
    state = {
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "size": len(CONTENT),
        "mode": random.choice(["4755", "0644"]),
    }
    files = [
        {
            "path": random.choice(PATHS),
            "renamedFrom": random.choice([None, *PATHS]),
            "before": dict(state),
            "after": dict(state),
        }
        for _ in range(random.choice([1, 1, 2]))
    ]
    if random.random() < 0.3:
        chosen = random.choice(files)
        chosen[random.choice(list(chosen))] = random.choice(VALUES)
    return json.dumps({"files": files}).encode()


def outside(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.lstat().st_mode, path.read_bytes()) for path in sorted(folder.rglob("*"))}


def made(folder: Path, account: bytes, choice: random.Random) -> Path:
    """A tree with hostile things in it, and a hostile record; beside it a folder that has to stay as it is."""
    tree = write(tree_of(FILES), folder / "tree")
    (folder / "outside").mkdir()
    (folder / "outside/secret").write_bytes(CONTENT)
    (tree / "link").symlink_to("../outside")
    (tree / "out").symlink_to("../outside/secret")
    os.mkfifo(tree / "pipe")
    record = tree / ".m2build/small"
    if choice.random() < 0.1:
        (tree / ".m2build").symlink_to("../outside")
        return tree
    (record / "before/pkg").mkdir(parents=True)
    (record / "changeset.json").write_bytes(account)
    for name in ("before/pkg/norm.py", "before/out", "before/secret"):
        (record / name).write_bytes(CONTENT)
    (tree / "pkg/norm.py").write_bytes(CONTENT)
    if choice.random() < 0.2:
        (record / "changeset.json").unlink()
        os.mkfifo(record / "changeset.json")
    elif choice.random() < 0.2:
        (record / "after").symlink_to("../../../outside")
    return tree


ACTIONS: dict[str, Callable[[Path], object]] = {
    "revert": lambda tree: revert_directory("small", tree),
    "apply": lambda tree: change_directory(
        "small", tree, lambda: apply_series(series_of(RENAME, DECORATOR), from_directory(tree), load_codemods())
    ),
}


def refusal(action: Callable[[Path], object], tree: Path) -> M2BuildError | None:
    try:
        action(tree)
    except M2BuildError as error:
        return error
    return None


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_outside_the_tree_ever_changes(chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    for number in range(chunk, CASES, CHUNKS):
        choice = random.Random(number)  # noqa: S311 - a seed makes it the same in every run
        tree = made(tmp_path / str(number), hostile(choice), choice)
        before = outside(tree.parent / "outside")
        error = refusal(ACTIONS[choice.choice(list(ACTIONS))], tree)
        assert error is None or (error.exit_code in (2, 4, 5, 16) and len(str(error)) < 7000), f"case {number}: {error}"
        assert outside(tree.parent / "outside") == before, f"case {number}"
        modes = {path.lstat().st_mode & 0o7000 for path in tree.rglob("*")}
        assert modes == {0}, f"case {number}"
        assert not (tree / ".git").exists(), f"case {number}"
