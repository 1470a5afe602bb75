"""Files of a cache: whole and unaltered, or as good as absent."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from m2build.local.atomic import atomic_file


def cache_folder() -> Path:
    """The cache: `m2build` in the user's cache directory (XDG base directory specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "m2build"


class CheckedFiles:
    """Bytes by a key, in a folder; each file begins with the SHA-256 of the rest of it.

    What cannot be read or written is left out: a cache is never needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> bytes | None:
        """What was kept under a key, or None."""
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        digest, _, rest = data.partition(b"\n")
        return rest if hashlib.sha256(rest).hexdigest().encode() == digest else None

    def has(self, key: str) -> bool:
        """Whether something was kept under a key; whether it is unaltered shows when it is got."""
        return self._path(key).is_file()

    def put(self, key: str, data: bytes) -> None:
        """Keep some bytes."""
        with suppress(OSError), atomic_file(self._path(key)) as file:
            file.write(hashlib.sha256(data).hexdigest().encode() + b"\n")
            file.write(data)

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()
