"""Temporary files and folders: removed at the end, or after a kill by the next run; files of others never are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from m2build.local.temporary import remove_leftovers, temporary_file, temporary_folder

MAKERS = pytest.mark.parametrize("make", [temporary_file, temporary_folder])
Make = Callable[[Path], AbstractContextManager[object]]

HOLDER = """
import sys
from pathlib import Path
from m2build.local import temporary
with getattr(temporary, sys.argv[1])(Path(sys.argv[2])) as made:
    if isinstance(made, Path):
        (made / "deep").mkdir()
        (made / "deep" / "file").write_text("x")
    print("made", flush=True)
    sys.stdin.read()
"""


def holder(name: str, folder: Path) -> subprocess.Popen[bytes]:
    """A process with a temporary file or folder, until its stdin is closed or it is killed."""
    command = [sys.executable, "-c", HOLDER, name, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"made\n"
    return process


def end(process: subprocess.Popen[bytes], number: int) -> None:
    process.send_signal(number)
    process.communicate()


@MAKERS
def test_it_is_removed_at_the_end_and_on_failure(make: Make, tmp_path: Path) -> None:
    with make(tmp_path):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
    with suppress(KeyboardInterrupt), make(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@MAKERS
def test_leftovers_of_killed_processes_are_removed_and_those_in_use_stay(make: Make, tmp_path: Path) -> None:
    name = getattr(make, "__name__", "")
    with holder(name, tmp_path) as dead, holder(name, tmp_path) as living:
        end(dead, signal.SIGKILL)
        before = set(tmp_path.iterdir())
        assert len(before) == 2
        with make(tmp_path):
            assert len(set(tmp_path.iterdir()) & before) == 1
        remove_leftovers(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1
        end(living, signal.SIGKILL)
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_other_files_stay(tmp_path: Path) -> None:
    """Other names, links, FIFOs, and another user's files that look alike."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("precious")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in (
        ".m2build-tmp-",
        ".m2build-tmp-123",
        ".m2build-tmp-0123456789ABCDEF",
        ".m2build-tmp-0123456789abcdef~",
    ):
        (folder / name).write_text("mine")
    (folder / ".m2build-tmp-0000000000000001").symlink_to(tmp_path / "precious")
    (folder / ".m2build-tmp-0000000000000002").symlink_to(tmp_path / "precious/file")
    os.mkfifo(folder / ".m2build-tmp-0000000000000003")
    if os.geteuid() == 0:
        (folder / ".m2build-tmp-0000000000000004").write_text("another user's")
        os.chown(folder / ".m2build-tmp-0000000000000004", 12345, 12345)
    before = sorted(folder.iterdir())
    remove_leftovers(folder)
    assert sorted(folder.iterdir()) == before
    assert (tmp_path / "precious/file").read_text() == "precious"


def test_a_leftover_is_removed_but_not_what_its_links_name(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("precious")
    (tmp_path / "folder/.m2build-tmp-0123456789abcdef").mkdir(parents=True)
    (tmp_path / "folder/.m2build-tmp-0123456789abcdef/link").symlink_to(tmp_path / "precious")
    remove_leftovers(tmp_path / "folder")
    assert list((tmp_path / "folder").iterdir()) == []
    assert (tmp_path / "precious/file").read_text() == "precious"


def test_concurrent_cleaning_never_removes_files_in_use(tmp_path: Path) -> None:
    """A file removed between its creation and its lock is made again; a locked one stays."""
    code = (
        "import sys; from pathlib import Path; from m2build.local.temporary import *\n"
        "folder = Path(sys.argv[1])\n"
        "for number in range(100):\n"
        "    with temporary_file(folder) as (path, file), temporary_folder(folder) as staging:\n"
        "        remove_leftovers(folder)\n"
        "        assert path.is_file() and staging.is_dir(), 'taken'\n"
        "        path.rename(folder / f'{sys.argv[2]}-{number}')\n"
    )
    commands = [[sys.executable, "-c", code, str(tmp_path), name] for name in "abc"]
    running = [subprocess.Popen(command) for command in commands]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert len(list(tmp_path.iterdir())) == 300


def test_an_unreadable_folder_is_skipped(tmp_path: Path) -> None:
    remove_leftovers(tmp_path / "missing")
    (tmp_path / "file").touch()
    remove_leftovers(tmp_path / "file")


def test_exceptions_from_the_block_are_raised(tmp_path: Path) -> None:
    """Even one that the folder itself would raise if another process had removed it."""
    for error in (FileNotFoundError("gone"), BlockingIOError("taken"), KeyboardInterrupt()):
        with pytest.raises(type(error)), temporary_folder(tmp_path):
            raise error
    assert list(tmp_path.iterdir()) == []
