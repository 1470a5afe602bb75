"""What is at an output's path: a file to replace, or something to write to directly.

Links are followed, so that they stay. Only regular files are replaced. Devices, FIFOs and what this process has open
already are written to directly: `/dev/null` stays a device.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from m2build.errors import UsageError

STANDARD_OUTPUT = Path("/dev/stdout")
_LINKS = 40
"""Links in a row, as many as Linux follows."""


def is_there(path: Path) -> bool:
    """Whether there is something at a path, links followed; there is nothing at a name that is too long for any."""
    return os.path.exists(path)  # noqa: PTH110 - `Path.exists` fails on such names


@dataclass(frozen=True)
class FileTarget:
    """A regular file, existing or new.

    Attributes:
        path: where it is, links followed.
        status: of the existing file, or None.
    """

    path: Path
    status: os.stat_result | None


@dataclass(frozen=True)
class StreamTarget:
    """A device, a FIFO, or what this process has open.

    Attributes:
        path: where it is.
        descriptor: of what is open, or None.
    """

    path: Path
    descriptor: int | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether it is a terminal."""
        if self.descriptor is not None:
            return os.isatty(self.descriptor)
        return self.path.is_char_device() and os.path.realpath(self.path).startswith(("/dev/tty", "/dev/pts/"))

    def open(self) -> BinaryIO:
        """Open it for writing, at its current position; a FIFO waits for its reader. Raises what the system raises."""
        if self.descriptor is not None:
            return os.fdopen(os.dup(self.descriptor), "wb")
        return os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY), "wb")


Target = FileTarget | StreamTarget


def output_path(text: str) -> Path:
    """The path for a word of the command line: `-` is stdout, and `./-` a file."""
    return STANDARD_OUTPUT if text == "-" else Path(text)


def is_stdout(path: Path) -> bool:
    """Whether a path is stdout."""
    return _own_descriptor(path) == 1


def find_target(path: Path) -> Target:
    """What is at a path.

    Raises:
        UsageError: a folder, a socket or a disk, which cannot be written like a file.
        OSError: the path cannot be resolved, as with a loop of links.
    """
    descriptor = _own_descriptor(path)
    if descriptor is not None:
        if descriptor == 1 and sys.__stdout__ is None:  # another file may have its number by now
            raise OSError(errno.EBADF, "stdout is closed", str(path))
        return StreamTarget(path, descriptor)
    try:
        status = path.stat()
    except FileNotFoundError:
        return FileTarget(_followed(path), None)
    if stat.S_ISCHR(status.st_mode) or stat.S_ISFIFO(status.st_mode):
        return StreamTarget(path)
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path} exists already, and is {_kind(status.st_mode)}", hint="name a file")
    return FileTarget(_followed(path), status)


def written_file(path: Path) -> Path | None:
    """The file that an output at a path makes or replaces; None if it is written to something that is open or a device.

    Raises:
        UsageError: what is there cannot be written like a file.
        OSError: the path cannot be resolved.
    """
    target = find_target(path)
    return Path(os.path.realpath(target.path)) if isinstance(target, FileTarget) else None


def _followed(path: Path) -> Path:
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a socket" if stat.S_ISSOCK(mode) else "a disk"


def _own_descriptor(path: Path) -> int | None:
    """The number of this process's own descriptor that a path names, as /dev/stdout and /dev/fd/3 do; or None."""
    own = re.compile(rf"/proc/{os.getpid()}(/task/[0-9]+)?/fd")
    for _ in range(_LINKS):
        if path == STANDARD_OUTPUT:
            return 1
        if path.name.isdecimal() and own.fullmatch(os.path.realpath(path.parent)):
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None
