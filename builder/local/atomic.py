"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, under a temporary name beside its target; renamed at the end, removed on any failure.

    Folders above it are made, and on a failure removed; the mode is the umask's. Raises what the file system raises.
    """
    temporary = beside(path)
    with _folder_for(path):
        try:
            with temporary.open("xb") as file:
                yield file
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A new folder to fill, under a temporary name beside its target, which must not exist or be an empty folder.

    Renamed at the end, removed on any failure, as are the folders above it that were made for it. Raises what the file
    system raises.
    """
    temporary = beside(path)
    with _folder_for(path):
        try:
            temporary.mkdir()
            yield temporary
            temporary.replace(path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


@contextmanager
def _folder_for(path: Path) -> Iterator[None]:
    """Make the folders above a path; on any failure those that were not there before go again."""
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
