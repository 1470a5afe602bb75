"""A folder that a killed run changed in part, and records and links that point outside it."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest
from helpers.patches.series_files import DECORATOR, FILES, RENAME, series_of
from helpers.patches.trees import read, tree_of, write

from m2build.errors import ContentError, PatchError, StorageError, UsageError
from m2build.patches import applying
from m2build.patches.applying import apply_to_directory, check_settled, revert_directory
from m2build.patches.changeset import Changeset

State = dict[str, tuple[bytes, int]]


def apply(folder: Path) -> Changeset:
    return apply_to_directory(series_of(RENAME, DECORATOR), folder)


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, State, State]:
    """A patched folder, with its state before and after."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    folder = write(tree_of(FILES), tmp_path / "tree")
    before = read(folder)
    apply(folder)
    return folder, before, read(folder)


def read_without_links(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def put(folder: Path, path: str, file: tuple[bytes, int]) -> None:
    (folder / path).write_bytes(file[0])
    (folder / path).chmod(file[1])


@pytest.mark.parametrize("left", [("pkg/norm.py",), ("pkg/norm.py", "pkg/old.py"), ("pkg/old.py",)])
def test_a_partial_change_is_completed_or_reverted(left: tuple[str, ...], states: tuple[Path, State, State]) -> None:
    folder, before, after = states
    for path in left:
        put(folder, path, before[path])
    with pytest.raises(PatchError, match="holds small in part"):
        check_settled("small", folder)
    apply(folder)
    assert read(folder) == after
    check_settled("small", folder)
    for path in left:
        put(folder, path, before[path])
    revert_directory("small", folder)
    assert read(folder) == before


def test_a_record_of_the_last_release_can_be_reverted(states: tuple[Path, State, State]) -> None:
    """It has no files after the change."""
    folder, before, _ = states
    for path in sorted((folder / ".m2build/small/after").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (folder / ".m2build/small/after").rmdir()
    revert_directory("small", folder)
    assert read(folder) == before


@pytest.mark.parametrize("path", ["../outside", "/outside", "link/secret", ".git/hooks/pre-commit"])
def test_a_record_cannot_name_paths_outside_the_folder(path: str, states: tuple[Path, State, State]) -> None:
    folder, _, _ = states
    (folder.parent / "outside").mkdir()
    (folder / "link").symlink_to("../outside")
    account = folder / ".m2build/small/changeset.json"
    document = json.loads(account.read_bytes())
    document["files"][1]["renamedFrom"] = path
    account.write_text(json.dumps(document))
    state = read_without_links(folder)
    with pytest.raises(
        (ContentError, PatchError), match=r"is not a path in a source tree|through 'link', a symbolic link"
    ):
        revert_directory("small", folder)
    assert list((folder.parent / "outside").iterdir()) == []
    assert read_without_links(folder) == state


def test_a_record_sets_permission_bits_only(states: tuple[Path, State, State]) -> None:
    folder, _, _ = states
    account = folder / ".m2build/small/changeset.json"
    account.write_text(account.read_text().replace('"mode": "0644"', '"mode": "4755"'))
    revert_directory("small", folder)
    assert (folder / "pkg/norm.py").stat().st_mode & 0o7777 == 0o755


def test_a_folder_that_has_become_a_link_is_not_followed(states: tuple[Path, State, State], tmp_path: Path) -> None:
    folder, _, _ = states
    (folder / "pkg").rename(tmp_path / "elsewhere")
    (folder / "pkg").symlink_to(tmp_path / "elsewhere")
    state = read(tmp_path / "elsewhere")
    with pytest.raises(PatchError, match="through 'pkg', a symbolic link; nothing was changed"):
        revert_directory("small", folder)
    assert read(tmp_path / "elsewhere") == state


@pytest.mark.parametrize("name", ["../../x", "..", "", "a/b"])
def test_a_series_is_called_by_its_id(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not the id of a series"):
        revert_directory(name, tmp_path)


def test_another_process_is_waited_for(states: tuple[Path, State, State], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _, after = states
    monkeypatch.setattr(applying, "PATIENCE", 0.1)
    other = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StorageError, match="another m2build has been changing"):
            revert_directory("small", folder)
    finally:
        os.close(other)
    assert read(folder) == after
    revert_directory("small", folder)
