"""Paths of outputs: regular files are replaced, links stay, devices and FIFOs are written to."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.support import need_root, null_device

from m2build.errors import UsageError
from m2build.local.outputs import check_writable, creating, output_file
from m2build.local.targets import FileTarget, find_target, is_stdout, output_path


def write(path: Path, data: bytes = b"new") -> None:
    check_writable(path)
    with output_file(path) as out:
        out.write(data)


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    null = null_device(tmp_path / "null")
    (tmp_path / "link").symlink_to("null")
    for path in (null, tmp_path / "link"):
        write(path)
    assert null.is_char_device()
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "null"]


def test_a_fifo_is_written_to_and_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append((tmp_path / "fifo").read_bytes()))
    reader.start()
    write(tmp_path / "fifo")
    reader.join(timeout=20)
    assert found == [b"new"]
    assert (tmp_path / "fifo").is_fifo()


def test_an_open_descriptor_is_written_to_at_its_position(tmp_path: Path) -> None:
    """As with a shell's `>>file`: earlier output stays, and later output follows."""
    (tmp_path / "log").write_bytes(b"before ")
    with (tmp_path / "log").open("ab") as file:
        inode = os.fstat(file.fileno()).st_ino
        (tmp_path / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        for path in (f"/dev/fd/{file.fileno()}", f"/proc/self/fd/{file.fileno()}", tmp_path / "link"):
            write(Path(path), b"new ")
        file.write(b"after")
    assert (tmp_path / "log").read_bytes() == b"before new new new after"
    assert (tmp_path / "log").stat().st_ino == inode


@pytest.mark.parametrize("present", [True, False])
def test_links_are_followed_and_stay(tmp_path: Path, *, present: bool) -> None:
    (tmp_path / "there").mkdir()
    if present:
        (tmp_path / "there/file").write_bytes(b"old")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to(tmp_path / "there/file")
    write(tmp_path / "one")
    assert (tmp_path / "there/file").read_bytes() == b"new"
    assert not (tmp_path / "there/file").is_symlink()
    assert (tmp_path / "one").readlink() == Path("two")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "one", "there", "two"]


def test_a_loop_of_links_is_reported(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    for look in (write, check_writable):
        with pytest.raises(OSError, match="Too many levels of symbolic links"):
            look(tmp_path / "one")


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize(("kind", "make"), [("a directory", Path.mkdir), ("a socket", bound)])
def test_targets_other_than_files_are_refused_beforehand(
    kind: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "it")
    for look in (check_writable, write):
        with pytest.raises(UsageError, match=f"it exists already, and is {kind}"):
            look(tmp_path / "it")


def test_a_new_file_has_the_umasks_mode_and_a_replaced_one_keeps_its_own(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "new")
        (tmp_path / "old").write_bytes(b"old")
        (tmp_path / "old").chmod(0o604)
        write(tmp_path / "old")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o604


def test_a_file_replaced_by_root_keeps_its_owner(tmp_path: Path) -> None:
    need_root("gives files away")
    (tmp_path / "old").write_bytes(b"old")
    os.chown(tmp_path / "old", 1234, 5678)
    write(tmp_path / "old")
    assert ((tmp_path / "old").stat().st_uid, (tmp_path / "old").stat().st_gid) == (1234, 5678)


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_during_the_write_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    def no_link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:  # as on FAT
        monkeypatch.setattr(Path, "hardlink_to", no_link)
    target = find_target(tmp_path / "file")
    assert isinstance(target, FileTarget)

    def make(others: bytes = b"") -> None:
        with creating(target) as out:
            out.write(b"new")
            if others:
                (tmp_path / "file").write_bytes(others)

    with pytest.raises(FileExistsError):
        make(b"somebody else's")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"somebody else's"]
    (tmp_path / "file").unlink()
    make()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"]


def test_a_dash_is_stdout_but_a_path_to_one_is_a_file() -> None:
    assert is_stdout(output_path("-"))
    assert is_stdout(Path("/dev/stdout"))
    assert is_stdout(Path("/dev/fd/1"))
    assert not is_stdout(Path("/dev/fd/2"))
    assert not is_stdout(Path("-"))


@pytest.mark.parametrize("name", ["missing/deeper/file", "file"])
def test_an_unwritable_folder_is_reported_beforehand(name: str, tmp_path: Path) -> None:
    (tmp_path / "below").touch()
    with pytest.raises(NotADirectoryError):
        check_writable(tmp_path / "below" / name)
