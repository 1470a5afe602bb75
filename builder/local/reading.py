"""Small files read whole, within bounds: a device, an endless pipe or a disk of zeros cannot block us."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

PIPE_SECONDS = 10.0
"""How long a pipe may take to end: time enough for `--recipe <(sops decrypt …)`, but not forever."""

LARGEST_SOURCE = 64 << 20
"""Bytes of one source file, wherever it is; the largest of SGLang 0.5.7 has a quarter of a megabyte."""

_PIECE = 1 << 16
_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


class UnfitFileError(OSError):
    """A file that exists and is refused: of another kind, larger than its bound, or a pipe that does not end.

    `strerror` says which, as the end of a sentence that begins with the file's name.
    """


def read_regular(path: str | Path, limit: int) -> bytes:
    """The content of a regular file, links followed. Nothing else is opened.

    Args:
        path: where it is.
        limit: how many bytes it may have; at most one more is read.

    Raises:
        UnfitFileError: it is not a regular file, or larger.
        OSError: what the file system raises, IsADirectoryError for a folder too.
        ValueError: the path holds a NUL.
    """
    with _opened(path, stat.S_ISREG) as (descriptor, _):
        return _joined(_pieces(descriptor, limit), path, limit)


def read_given(path: str | Path, limit: int) -> bytes:
    """The content of a file that a user names: a regular one, or a pipe, as of the shell's `<(…)`.

    A pipe has to end within `PIPE_SECONDS`, and one without a writer has as long to find one.

    Raises:
        UnfitFileError: it is neither of the two, larger than `limit` bytes, or does not end in time.
        OSError: what the file system raises, IsADirectoryError for a folder too.
        ValueError: the path holds a NUL.
    """
    with _opened(path, lambda mode: stat.S_ISREG(mode) or stat.S_ISFIFO(mode)) as (descriptor, mode):
        if stat.S_ISFIFO(mode):
            return _joined(_pipe_pieces(descriptor, limit, path), path, limit)
        return _joined(_pieces(descriptor, limit), path, limit)


@contextmanager
def _opened(path: str | Path, fits: Callable[[int], bool]) -> Iterator[tuple[int, int]]:
    """A descriptor and its mode. The kind is checked before opening, which may have effects on a device, and after."""
    _check(path, Path(path).stat().st_mode, fits)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        _check(path, mode, fits)
        yield descriptor, mode
    finally:
        os.close(descriptor)


def _check(path: str | Path, mode: int, fits: Callable[[int], bool]) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not fits(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
        raise _unfit(path, f"is {kind}, not a regular file")


def _pieces(descriptor: int, limit: int) -> Iterator[bytes]:
    """What can be read, up to one byte beyond the limit."""
    left = limit + 1
    while left and (piece := os.read(descriptor, min(left, _PIECE))):
        left -= len(piece)
        yield piece


def _pipe_pieces(descriptor: int, limit: int, path: str | Path) -> Iterator[bytes]:
    """The same for a pipe, as far as it delivers in time."""
    poll, end = select.poll(), time.monotonic() + PIPE_SECONDS
    poll.register(descriptor, select.POLLIN)
    left = limit + 1
    while left:
        if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
            raise _unfit(path, f"is a pipe that has not ended after {PIPE_SECONDS:.0f} seconds")
        piece = os.read(descriptor, min(left, _PIECE))
        if not piece:
            return
        left -= len(piece)
        yield piece


def _joined(pieces: Iterator[bytes], path: str | Path, limit: int) -> bytes:
    content = b"".join(pieces)
    if len(content) > limit:
        raise _unfit(path, f"is larger than {limit:,} bytes")
    return content


def _unfit(path: str | Path, problem: str) -> UnfitFileError:
    return UnfitFileError(0, problem, str(path))


def open_regular(path: str | Path) -> BufferedReader:
    """A regular file, links followed, open to be read in any order. Nothing else is opened.

    Raises:
        UnfitFileError: it is not a regular file.
        OSError: what the file system raises.
        ValueError: the path holds a NUL.
    """
    with _opened(path, stat.S_ISREG) as (descriptor, _):
        return os.fdopen(os.dup(descriptor), "rb")
