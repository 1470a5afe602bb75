"""Temporary files and folders: locked by the process that uses them, and removed by the next run if it was killed.

Each has a name that only m2build uses, and a lock (`flock`) on itself, which the kernel releases with the process. What
has such a name, belongs to this user and can be locked is left over from a dead process: process ids play no part, and
on a file system without such locks nothing is removed.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_PREFIX = ".m2build-tmp-"
_NAME = re.compile(rf"{re.escape(_PREFIX)}[0-9a-f]{{16}}")


def temporary_place() -> Path:
    """`TMPDIR`, or else /tmp or /var/tmp. `tempfile` would write a test file, which stays behind after a kill."""
    places = (*(os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")), "/tmp", "/var/tmp")  # noqa: S108 - as in tempfile
    return next((Path(place) for place in places if place and os.access(place, os.W_OK | os.X_OK)), Path(places[-2]))


@contextmanager
def temporary_file(folder: Path, mode: int = 0o666) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file in a folder, open for writing and reading; removed at the end, unless it was renamed.

    What killed runs left in the folder is removed first. Raises what the file system raises.
    """
    remove_leftovers(folder)
    with locked_file(folder, mode) as made:
        yield made


@contextmanager
def locked_file(folder: Path, mode: int = 0o666) -> Iterator[tuple[Path, BinaryIO]]:
    """The same, without removing leftovers."""
    while True:
        path = _new_name(folder)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with os.fdopen(descriptor, "w+b") as file:
                if _lock(path, descriptor):
                    yield path, file
                    return
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def temporary_folder(parent: Path | None = None, mode: int = 0o700) -> Iterator[Path]:
    """A new folder, by default in `TMPDIR`; removed at the end with all that is in it, unless it was renamed.

    What killed runs left beside it is removed first. Raises what the file system raises.
    """
    parent = temporary_place() if parent is None else parent
    remove_leftovers(parent)
    while True:
        path = _new_name(parent)
        try:
            path.mkdir(mode)
            with ExitStack() as stack:
                is_ours = False
                with suppress(FileNotFoundError):  # another process may have removed it as a leftover
                    is_ours = _lock(path, stack.enter_context(_opened(path)))
                if is_ours:
                    yield path
                    return
        finally:
            shutil.rmtree(path, ignore_errors=True)


def remove_leftovers(folder: Path | None = None, first: Callable[[Path], object] = lambda _: None) -> None:
    """Remove what killed runs left; what cannot be removed stays.

    Args:
        folder: the folder to clean, or None for `TMPDIR`.
        first: called with each leftover while it is locked; if it raises anything, the leftover stays.
    """
    folder = temporary_place() if folder is None else folder
    with suppress(OSError):
        for path in folder.iterdir():
            if _NAME.fullmatch(path.name):
                _remove_if_dead(path, first)


def _new_name(folder: Path) -> Path:
    return folder / f"{_PREFIX}{secrets.token_hex(8)}"


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A file or folder, open for locking; links are not followed, and a FIFO does not block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(path: Path, descriptor: int) -> bool:
    """Lock a new file or folder; False if another process has removed it as a leftover before that."""
    with suppress(OSError):  # a file system without locks, where nothing counts as a leftover
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return _is_at(path, descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove_if_dead(path: Path, first: Callable[[Path], object]) -> None:
    with suppress(OSError):
        status = path.lstat()
        is_folder = stat.S_ISDIR(status.st_mode)
        if status.st_uid != os.geteuid() or not (is_folder or stat.S_ISREG(status.st_mode)):
            return
        with _opened(path) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_at(path, descriptor):
                return
            first(path)
            if is_folder:
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
