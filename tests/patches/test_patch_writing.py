"""Applying to a folder and reverting: wholly or not at all, despite any failure."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.patches.judges import git_apply
from helpers.patches.series_files import ADDED, DECORATOR, FILES, RENAME, apply_changeset, file_series, series_of
from helpers.patches.trees import read, tree_of, write
from helpers.support import need_root

from m2build.errors import ContentError, PatchError, StorageError, UsageError
from m2build.patches.applying import apply_to_directory, revert_directory
from m2build.patches.change import FileChange, changed_tree
from m2build.patches.changeset import Changeset, Outcome, PatchResult, apply_series
from m2build.patches.diff import git_diff
from m2build.patches.registry import load_codemods
from m2build.patches.sources import from_directory
from m2build.patches.tree import SourceFile, SourceTree
from m2build.patches.writing import write_files, write_tree

TREE = tree_of(FILES)


@pytest.fixture(autouse=True)
def _fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of runs, none of which has to survive a loss of power."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def run_series(folder: Path) -> Changeset:
    return apply_series(series_of(RENAME, DECORATOR), from_directory(folder), load_codemods())


def sources(folder: Path) -> dict[str, tuple[bytes, int]]:
    """What is below a folder, except the record."""
    return {path: found for path, found in read(folder).items() if not path.startswith(".m2build/")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small tree on disk, with modes of all kinds and a folder that the rename empties."""
    path = write(TREE, tmp_path / "tree")
    (path / "pkg/norm.py").chmod(0o750)
    (path / "pkg/old.py").chmod(0o604)
    return path


def test_apply_and_revert(folder: Path) -> None:
    before = read(folder)
    changeset = run_series(folder)
    wanted = changed_tree(from_directory(folder), changeset.changes)
    apply_changeset(changeset, folder)
    assert sources(folder) == {path: (file.content, file.mode) for path, file in wanted.items()}
    assert (sources(folder)["pkg/norm.py"][1], sources(folder)["pkg/new.py"][1]) == (0o750, 0o604)
    reverted = revert_directory("small", folder)
    assert sorted(reverted) == ["pkg/my notes é.py", "pkg/norm.py", "pkg/old.py"]
    assert read(folder) == before


def test_new_and_deleted_files_come_go_and_come_back(folder: Path) -> None:
    before = read(folder)
    apply_to_directory(file_series("pkg", "add", "delete", "replace"), folder)
    after = sources(folder)
    assert after.keys() == (before.keys() - {"pkg/old.py"}) | {"pkg/it's/new.py"}
    assert after["pkg/it's/new.py"] == (ADDED, 0o755)
    assert sorted(revert_directory("files", folder)) == ["pkg/__init__.py", "pkg/old.py"]
    assert read(folder) == before


def test_what_is_written_is_what_git_makes_of_the_diff(folder: Path, tmp_path: Path) -> None:
    other = write(TREE, tmp_path / "other")
    git_apply(git_diff(run_series(other).changes), other)
    apply_changeset(run_series(folder), folder)
    contents = {path: content for path, (content, _) in sources(folder).items()}
    assert contents == {path: content for path, (content, _) in read(other).items()}


def test_the_record_holds_the_account_and_the_originals(folder: Path) -> None:
    before = sources(folder)
    apply_changeset(run_series(folder), folder)
    record = read(folder / ".m2build/small")
    kept = {path.removeprefix("before/"): content for path, (content, _) in record.items() if path[:7] == "before/"}
    assert kept == {path: before[path][0] for path in ("pkg/my notes é.py", "pkg/norm.py", "pkg/old.py")}
    assert {"README", "changeset.json", "after.sha256", "patches/series"} < set(record)


def test_applying_twice_changes_nothing_and_keeps_the_record(folder: Path) -> None:
    before = read(folder)
    apply_changeset(run_series(folder), folder)
    once = read(folder)
    again = run_series(folder).checked()
    assert [result.outcome for result in again.results] == [Outcome.ALREADY_APPLIED] * 2
    apply_changeset(again, folder)
    assert read(folder) == once
    revert_directory("small", folder)
    assert read(folder) == before


def test_a_second_run_does_not_lose_the_originals_of_the_first(folder: Path) -> None:
    """An importer that came later: revert, then apply, does both."""
    before = read(folder)
    apply_changeset(run_series(folder), folder)
    (folder / "late.py").write_text("from pkg import old\n")
    (folder / "late.py").chmod(0o644)
    patched = read(folder)
    with pytest.raises(PatchError, match="still holds changes of an earlier run of small; nothing was changed"):
        apply_changeset(run_series(folder), folder)
    assert read(folder) == patched
    revert_directory("small", folder)
    assert read(folder) == {**before, "late.py": (b"from pkg import old\n", 0o644)}
    apply_changeset(run_series(folder), folder)
    assert (folder / "late.py").read_text() == "from pkg import new as old\n"


def test_what_was_reverted_by_hand_is_left_alone(folder: Path) -> None:
    """As after `git checkout` of one file."""
    before = read(folder)
    apply_changeset(run_series(folder), folder)
    (folder / "pkg/norm.py").write_bytes(before["pkg/norm.py"][0])
    assert sorted(revert_directory("small", folder)) == ["pkg/my notes é.py", "pkg/old.py"]
    assert read(folder) == before


@pytest.mark.parametrize("path", ["pkg/norm.py", "pkg/new.py", "pkg/my notes é.py"])
@pytest.mark.parametrize("how", ["edited", "removed", "link"])
def test_revert_refuses_when_a_file_was_changed_since(path: str, how: str, folder: Path) -> None:
    apply_changeset(run_series(folder), folder)
    content = (folder / path).read_bytes()
    (folder / path).unlink()
    if how == "edited":
        (folder / path).write_bytes(content + b"# mine\n")
    elif how == "link":
        (folder / "elsewhere").write_bytes(content + b"")
        (folder / path).symlink_to(folder / "elsewhere")
    state = read(folder)
    with pytest.raises(PatchError, match=r"was edited since|is missing, or not a regular file"):
        revert_directory("small", folder)
    assert read(folder) == state


def test_revert_refuses_when_the_old_name_is_taken(folder: Path) -> None:
    apply_changeset(run_series(folder), folder)
    (folder / "pkg/old.py").write_text("mine\n")
    state = read(folder)
    with pytest.raises(PatchError, match=r"old\.py exists already; nothing was changed"):
        revert_directory("small", folder)
    assert read(folder) == state


def test_revert_without_a_record_is_reported(folder: Path) -> None:
    with pytest.raises(PatchError, match="holds no record of an applied series small"):
        revert_directory("small", folder)


@pytest.mark.parametrize("name", ["changeset.json", "before/pkg/norm.py"])
def test_a_damaged_record_is_not_trusted(name: str, folder: Path) -> None:
    apply_changeset(run_series(folder), folder)
    path = folder / ".m2build/small" / name
    path.write_bytes(path.read_bytes()[:-20])
    state = read(folder)
    with pytest.raises(ContentError, match="is damaged"):
        revert_directory("small", folder)
    assert read(folder) == state


@pytest.mark.parametrize("path", ["pkg/norm.py", "pkg/old.py"])
def test_apply_refuses_a_file_that_changed_under_it(path: str, folder: Path) -> None:
    changeset = run_series(folder)
    assert changeset.changes
    (folder / path).write_text("changed in the meantime\n")
    state = read(folder)
    with pytest.raises(
        PatchError, match="is not the file that this change was made from, it was edited since; nothing was changed"
    ):
        apply_changeset(changeset, folder)
    assert read(folder) == state


def test_apply_refuses_a_target_that_came_up(folder: Path) -> None:
    changeset = run_series(folder)
    assert changeset.changes
    (folder / "pkg/new.py").symlink_to("nowhere")
    with pytest.raises(PatchError, match=r"new\.py exists already; nothing was changed"):
        apply_changeset(changeset, folder)
    assert (folder / "pkg/new.py").is_symlink()
    assert not (folder / ".m2build").exists()


def test_symbolic_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "use.py").write_text("from pkg import old\n")
    (folder / "linked").symlink_to(outside)
    (folder / "use.py").symlink_to(outside / "use.py")
    changeset = run_series(folder)
    assert [change.path for change in changeset.changes] == ["pkg/my notes é.py", "pkg/new.py", "pkg/norm.py"]
    apply_changeset(changeset, folder)
    assert (outside / "use.py").read_text() == "from pkg import old\n"
    assert (folder / "linked").is_symlink()


def test_owners_stay(folder: Path) -> None:
    need_root("gives files away")
    for path in ("pkg/norm.py", "pkg/old.py"):
        os.chown(folder / path, 1234, 2345)
    apply_changeset(run_series(folder), folder)
    for path in ("pkg/norm.py", "pkg/new.py"):
        status = (folder / path).stat()
        assert (status.st_uid, status.st_gid) == (1234, 2345)
    assert stat.S_IMODE((folder / "pkg/norm.py").stat().st_mode) == 0o750


def test_files_may_change_places(tmp_path: Path) -> None:
    """A rename onto a name that another rename frees, and a swap."""
    one, two, three = (SourceFile.of(content) for content in (b"1", b"2", b"3"))
    tree = SourceTree({"p/1": one, "p/2": two, "q/3": three}, origin="test")
    moves = (
        FileChange("p/1", one, "p/2", one),
        FileChange("p/2", two, "p/1", two),
        FileChange("q/3", three, "r/4", three),
    )
    result = PatchResult(series_of(RENAME).patches[0], Outcome.APPLIED, "", moves)
    changeset = Changeset(series_of(RENAME), None, "test", (result,))
    folder = write(tree, tmp_path)
    apply_changeset(changeset, folder)
    assert {path: content for path, (content, _) in sources(folder).items()} == {"p/1": b"2", "p/2": b"1", "r/4": b"3"}
    revert_directory("small", folder)
    assert {path: content for path, (content, _) in read(folder).items()} == {"p/1": b"1", "p/2": b"2", "q/3": b"3"}


def test_a_new_folder_is_written_whole(tmp_path: Path) -> None:
    tree = SourceTree(
        {"a/b.py": SourceFile.of(b"1", 0o755), "c": SourceFile.of(b"", 0o600)}, origin="test", links={"l/x": "../c"}
    )
    write_tree(tree, tmp_path / "deep/new")
    assert read(tmp_path / "deep/new/a") == {"b.py": (b"1", 0o755)}
    assert (tmp_path / "deep/new/l/x").readlink() == Path("../c")
    (tmp_path / "empty").mkdir()
    write_files({"x/y": b"z"}, tmp_path / "empty")
    assert read(tmp_path / "empty")["x/y"][0] == b"z"


def test_an_existing_folder_is_never_written_into(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("full")
    state = read(tmp_path / "full")
    for name in ("full", "file", "link"):
        with pytest.raises(UsageError, match=f"{name} exists already"):
            write_files({"x": b"y"}, tmp_path / name)
    with pytest.raises(StorageError, match="cannot be written"):
        write_files({"x": b"y"}, tmp_path / "file/below")
    assert read(tmp_path / "full") == state
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full", "link"]


def test_a_file_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise OSError(5, "Input/output error")

    tree = SourceTree({"a": SourceFile.of(b"1"), "b": replace(SourceFile.of(b""), load=fail)}, origin="test")
    with pytest.raises(StorageError, match="Input/output error"):
        write_tree(tree, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
