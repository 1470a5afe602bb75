"""Two folders that take each other's place in one step: Linux can, and Python has no name for it."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_HERE = -100
"""AT_FDCWD of <fcntl.h>: paths are those of the working directory."""
_EXCHANGE = 2
"""RENAME_EXCHANGE of <linux/fs.h>."""


def exchange(one: Path, other: Path) -> None:
    """Give two paths each other's name (renameat2(2)); both are there at any moment.

    Raises:
        OSError: the file system, or the C library, cannot.
    """
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        raise OSError(errno.ENOSYS, "the C library cannot exchange two folders", str(other)) from None
    if call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the file system cannot exchange two folders: {os.strerror(number)}", str(other))
