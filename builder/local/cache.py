"""Files of a cache: whole, unaltered and written by this user on this machine, or treated as absent.

CI systems copy, share and restore caches, and their content ends up in published images. So an entry is sealed with a
key that is not in the cache, and the seal covers the entry's own key: an entry that was written elsewhere, forged,
altered, or copied to another entry's name is not read. A cache changes speed, never the answer.
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

from m2build.errors import UsageError
from m2build.local.atomic import atomic_file
from m2build.local.home import home_folder
from m2build.local.sealed import seal
from m2build.local.sizes import parse_size
from m2build.local.stored import make_room

BOUND = "M2BUILD_CACHE_SIZE"
"""The variable that says how many bytes the cache may have."""
LARGEST_CACHE = 2 << 30
"""The same if the variable is not set: the sources of two dozen bases. Beyond that, what was unused longest goes."""

_FORMAT = b"m2build-cache-2"
_HEAD = 8 + 32 + 32
"""Bytes before the content: its size, its SHA-256, and the seal."""


_CHOSEN: ContextVar[Path | None] = ContextVar("cache folder", default=None)


def cache_folder() -> Path:
    """The cache: the folder of `cache_in`, else `m2build` in the user's cache directory.

    That directory follows the XDG base directory specification.
    """
    chosen = _CHOSEN.get()
    if chosen is not None:
        return chosen
    return Path(os.environ.get("XDG_CACHE_HOME") or home_folder() / ".cache") / "m2build"


@contextmanager
def cache_in(folder: Path | None) -> Iterator[None]:
    """Use another folder for the cache inside the block; None means the user's. Other threads keep theirs."""
    token = _CHOSEN.set(folder)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def cache_bound() -> int:
    """The bytes that the cache may have.

    Raises:
        UsageError: `M2BUILD_CACHE_SIZE` is not a size.
    """
    text = os.environ.get(BOUND, "")
    bound = parse_size(text) if text else LARGEST_CACHE
    if bound is None:
        raise UsageError(f"{BOUND}={text!r} is not a size", hint="write 500MB, 2GiB or 0")
    return bound


class SealedFiles:
    """Bytes by key, in a folder that only this user can write to; a cache that others can write to is ignored.

    Failures to read or write are ignored as well: a cache is never needed.
    """

    def __init__(self, folder: Path, *, largest: int | None = None) -> None:
        """Use a folder of a cache, which need not exist.

        Args:
            folder: where the entries are; the folder above it is the cache.
            largest: bytes that all entries of the cache may have; None for `cache_bound`.

        Raises:
            UsageError: `M2BUILD_CACHE_SIZE` is not a size.
        """
        self._folder = folder
        self._largest = cache_bound() if largest is None else largest

    def get(self, key: str) -> bytes | None:
        """What is stored under a key, or None."""
        with suppress(OSError), self._opened(key) as file:
            size, digest = self._proved(key, file)
            content = file.read(size)
            if len(content) == size and hashlib.sha256(content).digest() == digest:
                os.utime(file.fileno())
                return content
        return None

    def has(self, key: str) -> bool:
        """Whether something is stored under a key; only `get` checks that it is unaltered."""
        with suppress(OSError), self._opened(key) as file:
            self._proved(key, file)
            return True
        return False

    def put(self, key: str, data: bytes) -> None:
        """Store some bytes, and remove old entries to make room."""
        size, digest = len(data).to_bytes(8), hashlib.sha256(data).digest()
        sealed = seal(_FORMAT, key.encode(), size, digest)
        if sealed is None:
            return
        with suppress(OSError):
            for folder in (self._folder.parent, self._folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if folder.lstat().st_uid == os.geteuid() and not folder.is_symlink():
                    folder.chmod(0o700)
            if not self._is_ours():
                return
            is_small = len(data) + _HEAD <= self._largest
            make_room(self._folder.parent, len(data) + _HEAD if is_small else 0, self._largest)
            if not is_small:
                return
            with atomic_file(self._path(key), 0o600) as file:
                file.writelines([size, digest, sealed, data])

    def _opened(self, key: str) -> BinaryIO:
        if not self._is_ours():
            raise PermissionError(1, "others can write to it", str(self._folder))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        return os.fdopen(os.open(self._path(key), flags), "rb")

    def _proved(self, key: str, file: BinaryIO) -> tuple[int, bytes]:
        """The size and the digest from an entry's head, once its seal is checked; the rest is still unread."""
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(2, "not a regular file", str(self._path(key)))
        size, digest, sealed = file.read(8), file.read(32), file.read(32)
        expected = seal(_FORMAT, key.encode(), size, digest)
        if expected is None or sealed != expected or status.st_size != int.from_bytes(size) + _HEAD:
            raise FileNotFoundError(2, "not written by this user on this machine", str(self._path(key)))
        return int.from_bytes(size), digest

    def _is_ours(self) -> bool:
        """Whether only this user can write to the folder and to the cache that it is in, or replace it."""
        folders = [self._folder.lstat(), self._folder.parent.lstat()]
        return all(
            stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
            for status in folders
        )

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()
