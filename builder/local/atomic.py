"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from m2build.local.durable import sync_folder, sync_tree
from m2build.local.temporary import temporary_file, temporary_folder


@contextmanager
def atomic_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write, under a temporary name beside its target; renamed at the end, removed on any failure.

    Missing folders above it are made, and removed on a failure; the umask applies to the mode. The file survives a
    power failure only if `sync_file` is called before the end and `sync_folder` afterwards. Raises what the file
    system raises.
    """
    with folders_for(path), temporary_file(path.parent, mode) as (temporary, file):
        yield file
        file.flush()
        temporary.replace(path)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A new folder to fill, under a temporary name beside its target, which must not exist or be an empty folder.

    It is synced to disk and renamed at the end. On any failure it is removed, and so are the folders above it that were
    made for it. Raises what the file system raises; `FileExistsError` or `OSError(ENOTEMPTY)` if the target is taken.
    """
    with folders_for(path), temporary_folder(path.parent, 0o777) as temporary:
        yield temporary
        sync_tree(temporary)
        temporary.replace(path)
        sync_folder(path.parent)


@contextmanager
def folders_for(path: Path) -> Iterator[None]:
    """Make the folders above a path; on any failure, remove those that are new."""
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


def beside(path: Path) -> Path:
    """A temporary name in the folder of `path`, from where it can be renamed into place."""
    return path.parent / f".{path.name}.{secrets.token_hex(4)}"
