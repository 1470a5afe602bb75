"""Two folders that swap names atomically: Linux can, but Python has no function for it."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_HERE = -100
"""AT_FDCWD of <fcntl.h>: paths are relative to the working directory."""
_EXCHANGE = 2
"""RENAME_EXCHANGE of <linux/fs.h>."""


def exchange(one: Path, other: Path) -> None:
    """Swap two paths (renameat2(2)); both exist at any moment.

    Raises:
        OSError: the file system, or the C library, cannot.
    """
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        raise OSError(errno.ENOSYS, "the C library cannot swap two folders", str(other)) from None
    if call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the file system cannot swap two folders: {os.strerror(number)}", str(other))
