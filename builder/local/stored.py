"""What a cache holds, and how room is made in it while other processes read and write there.

A process that reads a sealed entry has it open, so that it may be removed at any time: the bytes stay until they are
read. A wheel is known by its path, so one that was used lately stays.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

WHEELS = "wheels"
KINDS: Mapping[str, str] = {
    "layers": "sources of bases, by layer",
    "results": "what patches and launch flags came to, by base and series",
    WHEELS: "published releases",
    "fetched": "SHA-256 of releases that are not pinned",
}
"""The folders of a cache that are bounded, with what they hold."""
LATELY = 3600
"""Seconds for which a wheel stays after its last use: more than fetching it may take."""

_SEALED = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """One entry of a cache.

    Attributes:
        kind: the folder that it is in, one of `KINDS`.
        path: a sealed file, or the folder of a release.
        size: its bytes.
        used: when it was last used or written, in nanoseconds since the epoch.
    """

    kind: str
    path: Path
    size: int
    used: int


def entries(root: Path) -> list[Entry]:
    """What a cache holds, without what is just being written; what cannot be read is left out."""
    found: list[Entry] = []
    for kind in KINDS:
        with suppress(OSError):
            if not stat.S_ISDIR((root / kind).lstat().st_mode):
                continue
            for path in (root / kind).iterdir():
                with suppress(OSError):  # another process has removed it
                    found += _release(path) if kind == WHEELS else _sealed(kind, path)
    return found


def make_room(root: Path, size: int, largest: int) -> list[Entry]:
    """Remove the entries that were unused longest, until there is room for some bytes.

    Args:
        root: the cache.
        size: how many bytes are to come.
        largest: bytes that the whole cache may have then.

    Returns:
        What was removed.
    """
    removed = []
    lately = time.time_ns() - LATELY * 10**9
    with _locked(root / WHEELS, fcntl.LOCK_EX):
        for entry in sorted(entries(root), key=lambda entry: entry.used, reverse=True):
            size += entry.size
            if size > largest and (entry.kind != WHEELS or entry.used < lately) and _remove(entry):
                removed.append(entry)
    return removed


def used_wheel(folder: Path) -> Path | None:
    """The wheel in the folder of a release, which then stays for as long as `LATELY` says; None if there is none."""
    wheel = None
    with _locked(folder.parent, fcntl.LOCK_SH), suppress(OSError):  # a cache that cannot be read or written
        wheel = next(folder.glob("*.whl"), None)
        if wheel is not None:
            os.utime(wheel, follow_symlinks=False)
    return wheel


def _sealed(kind: str, path: Path) -> Iterator[Entry]:
    status = path.lstat()
    if _SEALED.fullmatch(path.name) and not stat.S_ISDIR(status.st_mode):
        yield Entry(kind, path, status.st_size, status.st_mtime_ns)


def _release(path: Path) -> Iterator[Entry]:
    """The folder of a release, or what a killed run left of one."""
    status = path.lstat()
    if stat.S_ISDIR(status.st_mode):
        inside = [file.lstat() for file in path.iterdir()]
        used = max((file.st_mtime_ns for file in inside), default=status.st_mtime_ns)
        yield Entry(WHEELS, path, sum(file.st_size for file in inside), used)


def _remove(entry: Entry) -> bool:
    if entry.kind == WHEELS:
        shutil.rmtree(entry.path, ignore_errors=True)
    else:
        with suppress(OSError):
            entry.path.unlink()
    return not os.path.lexists(entry.path)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    """Hold a lock on a folder, if it exists and its file system has locks."""
    with ExitStack() as stack:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, how)
        yield
