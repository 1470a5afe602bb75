"""Seals with a key of this user on this machine: sealed content was written here, by this user.

A digest shows that bytes are whole, but anyone can compute one. A seal (HMAC-SHA256, RFC 2104) needs the key, which
stays in place when caches are copied, restored and shared.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path

from m2build.local.home import home_folder
from m2build.local.reading import read_regular
from m2build.local.temporary import temporary_file

_SIZE = 32


def key_file() -> Path:
    """Where the key is: in the user's state directory (XDG base directory specification), not in the cache."""
    return Path(os.environ.get("XDG_STATE_HOME") or home_folder() / ".local/state") / "m2build" / "cache.key"


def seal(*parts: bytes) -> bytes | None:
    """The seal of some parts, in this order; None if no key can be stored."""
    key = _key(key_file())
    if key is None:
        return None
    joined = b"".join(len(part).to_bytes(8) + part for part in parts)
    return hmac.digest(key, joined, hashlib.sha256)


@cache
def _key(path: Path) -> bytes | None:
    """The key, made if it does not exist; None if others could have read or written it."""
    with suppress(OSError):
        if not os.path.lexists(path):
            _make(path)
        status = path.lstat()
        is_private = status.st_uid == os.geteuid() and not status.st_mode & 0o077
        if stat.S_ISREG(status.st_mode) and is_private:
            key = read_regular(path, _SIZE)
            return key if len(key) == _SIZE else None
    return None


def _make(path: Path) -> None:
    """Make the key, unless another process is faster."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with temporary_file(path.parent, 0o600) as (temporary, file):
        file.write(secrets.token_bytes(_SIZE))
        file.flush()
        with suppress(FileExistsError):
            os.link(temporary, path)
