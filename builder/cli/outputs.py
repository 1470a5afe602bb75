"""Outputs that are checked before anything is read: a base of 20 GB is not read for a page that cannot be written."""

from __future__ import annotations

from pathlib import Path


def check_file(file: Path) -> None:
    """Check that a file can be written.

    Raises:
        UsageError: something else is there.
        StorageError: it cannot be written.
    """
    from m2build.local.failures import storage
    from m2build.local.outputs import check_writable

    with storage(file, "written"):
        check_writable(file)


def check_folder(folder: Path, own: str | None = None) -> None:
    """Check that a folder can be written.

    Args:
        folder: the folder, which is new or was written by the same command before.
        own: a name that every folder of its kind holds, if there is one.

    Raises:
        UsageError: something else is there.
        StorageError: it cannot be written.
    """
    from m2build.local import folders
    from m2build.local.failures import storage

    with storage(folder, "written"):
        folders.check_folder(folder, own)
