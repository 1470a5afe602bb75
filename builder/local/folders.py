"""Output folders: whole or not at all, and never over other content."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from m2build.errors import UsageError
from m2build.local.atomic import folders_for
from m2build.local.durable import sync_folder, sync_tree
from m2build.local.exchange import exchange
from m2build.local.outputs import check_parent
from m2build.local.temporary import temporary_folder

_CHUNK = 1 << 20


def nothing(_folder: Path) -> bool:
    """Replace no folder."""
    return False


def check_folder(path: Path, own: str | None = None) -> None:
    """Check, before there is anything to write, that `output_folder` can write a folder.

    Args:
        path: the destination.
        own: a name that every folder of its kind holds, so that one without it holds something else; or None.

    Raises:
        UsageError: the path exists with other content.
        OSError: permission to write it is missing.
    """
    target = Path(os.path.realpath(path))
    _check_kind(path, target)
    if own is not None and not os.path.lexists(target / own) and target.is_dir() and any(target.iterdir()):
        raise _taken(path)
    check_parent(target)


def _check_kind(path: Path, target: Path) -> None:
    if os.path.lexists(target) and not target.is_dir():
        raise UsageError(f"{path} exists already, and is not a folder", hint="name a new folder, or remove that one")


def _taken(path: Path) -> UsageError:
    return UsageError(f"{path} exists already, and holds something else", hint="name a new folder, or remove that one")


@contextmanager
def output_folder(path: Path, *, may_replace: Callable[[Path], bool] = nothing) -> Iterator[Path]:
    """A folder to fill, under a temporary name; renamed at the end, unless the same content is there already.

    Args:
        path: the destination; a link is followed, and stays.
        may_replace: whether an existing folder with other content may be replaced.

    Raises:
        UsageError: the path exists with other content, which stays as it is.
        OSError: it cannot be written; nothing is left behind.
    """
    target = Path(os.path.realpath(path))
    _check_kind(path, target)
    with folders_for(target), temporary_folder(target.parent, 0o777) as staging:
        yield staging
        if not _moved_in(staging, target) and not _is_same(staging, target):
            if not may_replace(target):
                raise _taken(path)
            sync_tree(staging)
            exchange(staging, target)
        sync_folder(target.parent)


def _moved_in(staging: Path, target: Path) -> bool:
    """Rename a folder to a free name, or to that of an empty folder; False if the name is taken."""
    if target.is_dir() and any(target.iterdir()):
        return False
    sync_tree(staging)
    try:
        staging.replace(target)
    except OSError as error:  # another process was faster
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _is_same(one: Path, other: Path) -> bool:
    """Whether two folders have the same names, links, bytes and, for the owner, execute permissions."""
    names = sorted(path.name for path in one.iterdir())
    if names != sorted(path.name for path in other.iterdir()):
        return False
    return all(_is_alike(one / name, other / name) for name in names)


def _is_alike(one: Path, other: Path) -> bool:
    first, second = one.lstat(), other.lstat()
    if stat.S_IFMT(first.st_mode) != stat.S_IFMT(second.st_mode):
        return False
    if stat.S_ISDIR(first.st_mode):
        return _is_same(one, other)
    if stat.S_ISLNK(first.st_mode):
        return one.readlink() == other.readlink()
    is_same_kind = first.st_size == second.st_size and not (first.st_mode ^ second.st_mode) & stat.S_IXUSR
    return stat.S_ISREG(first.st_mode) and is_same_kind and _has_same_bytes(one, other)


def _has_same_bytes(one: Path, other: Path) -> bool:
    with one.open("rb") as left, other.open("rb") as right:
        while chunk := left.read(_CHUNK):
            if right.read(_CHUNK) != chunk:
                return False
    return True
