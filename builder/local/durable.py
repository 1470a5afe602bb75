"""What is to survive a loss of power: a file's bytes before its name, and the name by its folder (fsync(2))."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO


def sync_file(file: BinaryIO) -> None:
    """Have a file's bytes on the disk. Raises what the file system raises."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have a folder's names on the disk, where that can be asked for. Raises what the file system raises."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # a folder that may be written and not read
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot, and say so by this
            raise
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Have a folder on the disk with all that is below it. Raises what the file system raises."""
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            if not path.is_symlink():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        sync_folder(Path(parent))
