"""Reading small files: other kinds, endless pipes and files over the bound are refused, each with its reason."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from m2build.local import reading
from m2build.local.reading import UnfitFileError, read_given, read_regular

LIMIT = 1000
BOTH = pytest.mark.parametrize("read", [read_regular, read_given])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with each kind of file."""
    (tmp_path / "full").write_bytes(b"x" * LIMIT)
    (tmp_path / "over").write_bytes(b"x" * (LIMIT + 1))
    (tmp_path / "empty").touch()
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "link").symlink_to("full")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        yield tmp_path


@BOTH
@pytest.mark.parametrize(("name", "size"), [("full", LIMIT), ("link", LIMIT), ("empty", 0)])
def test_a_file_within_the_bound_is_read_whole(
    name: str, size: int, read: Callable[[Path, int], bytes], folder: Path
) -> None:
    assert read(folder / name, LIMIT) == b"x" * size


@BOTH
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("over", "is larger than 1,000 bytes"),
        ("sparse", "is larger than 1,000 bytes"),
        ("socket", "is a socket, not a regular file"),
        ("/dev/zero", "is a character device, not a regular file"),
    ],
)
def test_unfit_files_are_refused_with_the_reason(
    name: str, says: str, read: Callable[[Path, int], bytes], folder: Path
) -> None:
    with pytest.raises(UnfitFileError) as caught:
        read(folder / name, LIMIT)
    assert caught.value.strerror == says


@BOTH
@pytest.mark.parametrize("name", ["absent", "full/inside", "circle", "folder"])
def test_errors_of_the_file_system_are_not_translated(
    name: str, read: Callable[[Path, int], bytes], folder: Path
) -> None:
    with pytest.raises(OSError, match=name) as caught:
        read(folder / name, LIMIT)
    assert not isinstance(caught.value, UnfitFileError)


def test_a_pipe_is_not_a_regular_file(folder: Path) -> None:
    with pytest.raises(UnfitFileError) as caught:
        read_regular(folder / "fifo", LIMIT)
    assert caught.value.strerror == "is a pipe, not a regular file"


@pytest.mark.parametrize("kind", ["unnamed", "named"])
def test_a_pipe_named_by_the_user_is_read_to_its_end(kind: str, folder: Path) -> None:
    def write() -> None:
        with (folder / "fifo").open("wb") if kind == "named" else os.fdopen(end, "wb") as pipe:
            for piece in (b"one ", b"two ", b"three"):
                time.sleep(0.02)
                pipe.write(piece)
                pipe.flush()

    start, end = os.pipe()
    writer = threading.Thread(target=write)
    writer.start()
    path = folder / "fifo" if kind == "named" else f"/dev/fd/{start}"
    assert read_given(path, LIMIT) == b"one two three"
    writer.join()
    os.close(start)
    if kind == "named":
        os.close(end)


@pytest.mark.parametrize("has_writer", [True, False])
def test_a_pipe_that_does_not_end_times_out(*, has_writer: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIPE_SECONDS", 0.2)
    writer = os.open(folder / "fifo", os.O_RDWR) if has_writer else None
    began = time.monotonic()
    with pytest.raises(UnfitFileError, match="a pipe that has not ended"):
        read_given(folder / "fifo", LIMIT)
    assert time.monotonic() - began < 5
    if writer is not None:
        os.close(writer)


def test_an_endless_pipe_has_the_bound_of_a_file() -> None:
    start, end = os.pipe()
    os.write(end, b"x" * (2 * LIMIT))
    with pytest.raises(UnfitFileError, match="larger than 1,000 bytes"):
        read_given(f"/dev/fd/{start}", LIMIT)
    os.close(start)
    os.close(end)
