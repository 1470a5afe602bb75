"""Output files: whole or not at all, synced to disk, with the mode of the file that they replace."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from m2build.errors import UsageError
from m2build.local.atomic import folders_for
from m2build.local.durable import sync_file, sync_folder
from m2build.local.targets import FileTarget, StreamTarget, find_target
from m2build.local.temporary import temporary_file


@contextmanager
def output_file(path: Path) -> Iterator[BinaryIO]:
    """An output to write: a regular file is replaced at the end; a device or a FIFO is written directly.

    Raises:
        UsageError: what is there cannot be written like a file.
        OSError: it cannot be written; a regular file is unchanged.
    """
    match find_target(path):
        case StreamTarget() as stream:
            with stream.open() as out:
                yield out
        case FileTarget() as target:
            with replacing(target) as out:
                yield out


@contextmanager
def new_output(path: Path) -> Iterator[BinaryIO]:
    """An output to write, but no file that exists already.

    Raises:
        UsageError: there is something already.
        OSError: it cannot be written.
    """
    target = find_target(path)
    if isinstance(target, StreamTarget):
        with target.open() as out:
            yield out
        return
    taken = UsageError(f"{path} exists already", hint="name another file, or remove that one first")
    if target.status is not None:
        raise taken
    try:
        with creating(target) as out:
            yield out
    except FileExistsError as error:
        raise taken from error


def check_writable(path: Path) -> None:
    """Check that an output can be written, as far as that shows without writing.

    Raises:
        UsageError: what is there cannot be written like a file.
        OSError: permission to write the output, or its folder, is missing.
    """
    target = find_target(path)
    if isinstance(target, FileTarget):
        check_parent(target.path)
    elif target.descriptor is None and not os.access(path, os.W_OK):
        raise _refused(path, path)


def check_parent(path: Path) -> None:
    """Check that something can be made at a path: what is there itself does not count, as it would be replaced.

    Raises:
        OSError: the folder that it would be in cannot be written, or cannot be made.
    """
    parent = next(parent for parent in path.absolute().parents if parent.exists())
    if not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{parent} is not a directory", str(path))
    if not os.access(parent, os.W_OK | os.X_OK):
        raise _refused(parent, path)


def _refused(by: Path, path: Path) -> PermissionError:
    is_read_only = os.statvfs(by).f_flag & os.ST_RDONLY
    reason = os.strerror(errno.EROFS if is_read_only else errno.EACCES)
    return PermissionError(errno.EACCES, f"{by}: {reason}", str(path))


@contextmanager
def replacing(target: FileTarget) -> Iterator[BinaryIO]:
    """A file to write, which replaces an existing file and takes its mode; a new file's mode follows the umask.

    Raises what the file system raises; an existing file is unchanged then.
    """
    with _staged(target) as (temporary, file):
        yield file
        sync_file(file)
        if target.status is not None:
            _copy_owner_and_mode(target.status, file.fileno())
        temporary.replace(target.path)


@contextmanager
def creating(target: FileTarget) -> Iterator[BinaryIO]:
    """A new file to write.

    Raises:
        FileExistsError: the path exists at the end; what is there is unchanged.
        OSError: it cannot be written.
    """
    with _staged(target) as (temporary, file):
        yield file
        sync_file(file)
        _rename_if_free(temporary, target.path)


@contextmanager
def _staged(target: FileTarget) -> Iterator[tuple[Path, BinaryIO]]:
    with folders_for(target.path), temporary_file(target.path.parent) as (temporary, file):
        yield temporary, file
        sync_folder(target.path.parent)


def _copy_owner_and_mode(status: os.stat_result, descriptor: int) -> None:
    """Give a new file the owner and the mode of the file that it replaces, as a shell's `>` keeps them."""
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        with suppress(PermissionError):
            os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & 0o777)


def _rename_if_free(temporary: Path, path: Path) -> None:
    """Rename a file, unless the name is taken: `link` checks that and takes the name in one step."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        temporary.replace(path)
