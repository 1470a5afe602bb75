"""Files of a cache: whole, unaltered and written by this user on this machine, or as good as absent.

Caches are copied, shared and restored by CI systems, and what is taken from them is published. So an entry is sealed
with a key that is not in the cache, and the seal covers what the entry answers: one that was written elsewhere, made
up, altered, or copied to another entry's name is not read. A cache changes speed, never the answer.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO

from m2build.local.atomic import atomic_file
from m2build.local.sealed import seal

LARGEST_CACHE = 1 << 30
"""Bytes in one folder of the cache, a good dozen of bases' sources; beyond that the entries go that nobody asked for
longest."""

_FORMAT = b"m2build-cache-2"
_HEAD = 8 + 32 + 32
"""Bytes before the content: its size, its SHA-256, and the seal."""


_CHOSEN: ContextVar[Path | None] = ContextVar("cache folder", default=None)


def cache_folder() -> Path:
    """The cache: where `cache_in` says, else `m2build` in the user's cache directory.

    The latter is that of the XDG base directory specification.
    """
    chosen = _CHOSEN.get()
    if chosen is not None:
        return chosen
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "m2build"


@contextmanager
def cache_in(folder: Path | None) -> Iterator[None]:
    """Use another folder for the cache inside the block; None for the user's. In other threads nothing changes."""
    token = _CHOSEN.set(folder)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


class SealedFiles:
    """Bytes by a key, in a folder that is this user's alone; a cache that others can write to is left alone.

    What cannot be read or written is left out: a cache is never needed.
    """

    def __init__(self, folder: Path, *, largest: int = LARGEST_CACHE) -> None:
        """Take a folder, which need not be there.

        Args:
            folder: where the entries are.
            largest: bytes that they may have together.
        """
        self._folder = folder
        self._largest = largest

    def get(self, key: str) -> bytes | None:
        """What was kept under a key, or None."""
        with suppress(OSError), self._opened(key) as file:
            size, digest = self._proved(key, file)
            content = file.read(size)
            if len(content) == size and hashlib.sha256(content).digest() == digest:
                os.utime(file.fileno())
                return content
        return None

    def has(self, key: str) -> bool:
        """Whether something was kept under a key; whether it is unaltered shows when it is got."""
        with suppress(OSError), self._opened(key) as file:
            self._proved(key, file)
            return True
        return False

    def put(self, key: str, data: bytes) -> None:
        """Keep some bytes, and let go of what is too much."""
        size, digest = len(data).to_bytes(8), hashlib.sha256(data).digest()
        sealed = seal(_FORMAT, key.encode(), size, digest)
        if sealed is None or len(data) + _HEAD > self._largest:
            return
        with suppress(OSError):
            for folder in (self._folder.parent, self._folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if folder.lstat().st_uid == os.geteuid() and not folder.is_symlink():
                    folder.chmod(0o700)
            if not self._is_ours():
                return
            self._make_room(len(data) + _HEAD)
            with atomic_file(self._path(key), 0o600) as file:
                file.writelines([size, digest, sealed, data])

    def _opened(self, key: str) -> BinaryIO:
        if not self._is_ours():
            raise PermissionError(1, "others can write to it", str(self._folder))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        return os.fdopen(os.open(self._path(key), flags), "rb")

    def _proved(self, key: str, file: BinaryIO) -> tuple[int, bytes]:
        """The size and the digest of an entry whose head bears the seal; nothing else of it has been read."""
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(2, "no regular file", str(self._path(key)))
        size, digest, sealed = file.read(8), file.read(32), file.read(32)
        expected = seal(_FORMAT, key.encode(), size, digest)
        if expected is None or sealed != expected or status.st_size != int.from_bytes(size) + _HEAD:
            raise FileNotFoundError(2, "no entry that was made here", str(self._path(key)))
        return int.from_bytes(size), digest

    def _is_ours(self) -> bool:
        """Whether nobody else can write to the folder, or to the cache that it is in, or put another in its place."""
        folders = [self._folder.lstat(), self._folder.parent.lstat()]
        return all(
            stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
            for status in folders
        )

    def _make_room(self, size: int) -> None:
        """Remove the entries that have not been asked for longest, until there is room for another."""
        entries = [(path.lstat(), path) for path in self._folder.iterdir()]
        for status, path in sorted(entries, key=lambda entry: entry[0].st_mtime_ns, reverse=True):
            size += status.st_size
            if size > self._largest:
                with suppress(OSError):
                    path.unlink()

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()
