"""A key of this machine's user, and the seals that it makes: what bears one was written here, by this user.

A digest beside some bytes shows that they are whole, and anybody can write one. A seal (HMAC-SHA256, RFC 2104) cannot
be made without the key, which stays where it is while caches are copied, restored and shared.
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

from m2build.local.reading import read_regular
from m2build.local.temporary import temporary_file

_SIZE = 32


def key_file() -> Path:
    """Where the key is: in the user's state directory (XDG base directory specification), and not in the cache."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "m2build" / "cache.key"


def seal(*parts: bytes) -> bytes | None:
    """The seal of some parts, in their order; None where no key can be kept."""
    key = _key(key_file())
    if key is None:
        return None
    joined = b"".join(len(part).to_bytes(8) + part for part in parts)
    return hmac.digest(key, joined, hashlib.sha256)


@cache
def _key(path: Path) -> bytes | None:
    """The key, made if there is none. One that others may have read or written is none."""
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
