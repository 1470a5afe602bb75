"""A held folder: of many files written at once all are on the disk, and not too many of them are open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from m2build.local.held import HeldFolder, NewFile, PathRefusedError, hold

MANY = 150


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def held(tmp_path: Path) -> Iterator[HeldFolder]:
    before = open_descriptors()
    with hold(tmp_path) as folder:
        yield folder
    assert open_descriptors() == before


def test_each_of_many_files_is_synced_with_all_its_bytes(held: HeldFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: dict[str, int] = {}
    most = open_descriptors() + 100

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced[str(path.relative_to(held.path))] = os.fstat(descriptor).st_size
        assert open_descriptors() < most

    monkeypatch.setattr(os, "fsync", fsync)
    files = [NewFile(f"{number % 7}/sub/{number}", b"x" * number, 0o640) for number in range(MANY)]
    held.write_through(iter(files))
    assert synced == {file.path: len(file.content) for file in files}
    assert {(held.path / file.path).stat().st_mode & 0o777 for file in files} == {0o640}


def test_a_file_that_is_there_stops_it(held: HeldFolder) -> None:
    held.write("a/there", b"old", 0o644)
    with pytest.raises(FileExistsError):
        held.write_through([NewFile("a/new", b"", 0o644), NewFile("a/there", b"new", 0o644)])
    assert held.read("a/there", 10) == b"old"


def test_paths_from_folder_to_folder_are_the_same_while_it_stays(held: HeldFolder) -> None:
    with held.staying():
        held.write("a/b/one", b"1", 0o644)
        held.write("a/two", b"2", 0o644)
        held.rename("a/b/one", "c/d/one")
        held.rename("a/two", "a/b/two")
        held.rename("c", "a/c")
        held.remove_tree("a/b")
        held.write("a/b/two", b"new", 0o644)
        assert held.read("a/c/d/one", 1) == b"1"
        assert held.status("c/d/one") is None
        held.remove("a/c/d/one")
        held.prune("a/c/d/one")
    assert {str(path.relative_to(held.path)) for path in held.path.rglob("*")} == {"a", "a/b", "a/b/two"}


def test_a_link_on_the_way_is_refused_while_it_stays(held: HeldFolder) -> None:
    (held.path / "real").mkdir()
    (held.path / "link").symlink_to("real")
    with held.staying():
        held.write("real/a", b"", 0o644)
        with pytest.raises(PathRefusedError, match="symbolic link"):
            held.write("link/b", b"", 0o644)
        held.write("real/c", b"", 0o644)
    assert sorted(path.name for path in (held.path / "real").iterdir()) == ["a", "c"]
