"""Writing a changeset to disk: the only part of the library that does, and only where it is asked to.

All new files are staged beside their targets first; then each is renamed into place. What fails on the way is taken
back, so that the tree is either as it was or wholly changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from m2build.errors import PatchError, StorageError
from m2build.patches.atomic import atomic_folder
from m2build.patches.audit import audit_files
from m2build.patches.change import FileChange
from m2build.patches.changeset import Changeset
from m2build.patches.tree import SourceFile, SourceTree

RECORD = ".m2build"
"""The folder in a patched working directory that holds the account and the pre-images."""


def apply_to_directory(changeset: Changeset, root: Path) -> None:
    """Change the files below `root`, and keep an account with the pre-images under `.m2build/SERIES`.

    Raises:
        PatchError: a file on disk is not the one that the changeset was made from.
        StorageError: something cannot be written; everything is as it was.
    """
    if not changeset.changes:
        return
    record = root / RECORD / changeset.series.id
    with _translated(root):
        _write_record(changeset, root, record)
        try:
            _commit(root, changeset.changes)
        except BaseException:
            _drop_record(record)
            raise


def revert_directory(series_id: str, root: Path) -> tuple[FileChange, ...]:
    """Take back what `apply_to_directory` did, from its record; returns the changes that were made.

    Raises:
        PatchError: there is no record, or a file was changed since.
        StorageError: something cannot be read or written; everything is as it was.
    """
    record = root / RECORD / series_id
    with _translated(root):
        changes = tuple(change.reversed() for change in _recorded(record, root))
        _commit(root, changes)
        _drop_record(record)
    return changes


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a new folder of files: under a temporary name, then renamed.

    Raises:
        StorageError: the folder exists and is not empty, or something cannot be written.
    """
    write_tree(SourceTree({path: SourceFile.of(content) for path, content in files.items()}, origin="files"), folder)


def write_tree(tree: SourceTree, folder: Path) -> None:
    """Write a whole tree as a new folder: under a temporary name, then renamed.

    Raises:
        StorageError: the folder exists and is not empty, or something cannot be written.
    """
    if folder.is_symlink() or folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise StorageError(f"{folder} exists already", hint="name a new folder, or remove that one")
    with _translated(folder), atomic_folder(folder) as staging:
        _fill(staging, tree)


def _fill(folder: Path, tree: SourceTree) -> None:
    for path, file in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(file.mode)
    for path, destination in tree.links.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(destination)


def _commit(root: Path, changes: Iterable[FileChange]) -> None:
    """Make the changes, or none of them."""
    changes = tuple(changes)
    for change in changes:
        _check_before(root, change)
    staged: list[tuple[Path, FileChange]] = []
    done: list[FileChange] = []
    try:
        for change in changes:
            temporary = _stage(root, change)
            staged.append((temporary, change))
        for temporary, change in staged:
            done.append(change)
            _move_in(root, temporary, change)
    except BaseException:
        for change in reversed(done):
            _take_back(root, change)
        raise
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)


def _check_before(root: Path, change: FileChange) -> None:
    path = root / change.old_path
    if path.is_symlink() or not path.is_file():
        raise PatchError(f"{path} is not there as a regular file; nothing was changed")
    if hashlib.sha256(path.read_bytes()).hexdigest() != change.before.sha256:
        raise PatchError(
            f"{path} is not the file that this change was made from; nothing was changed",
            hint="undo what was done to it since, then run the command again",
        )
    target = root / change.path
    if change.renamed and (target.exists() or target.is_symlink()):
        raise PatchError(f"{target} exists already; nothing was changed")


def _stage(root: Path, change: FileChange) -> Path:
    target = root / change.path
    target.parent.mkdir(parents=True, exist_ok=True)
    owner = (root / change.old_path).stat()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(change.after.content)
        Path(name).chmod(change.after.mode)
        if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            with suppress(PermissionError):
                os.chown(name, owner.st_uid, owner.st_gid)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _move_in(root: Path, temporary: Path, change: FileChange) -> None:
    temporary.replace(root / change.path)
    if change.renamed:
        old = root / change.old_path
        old.unlink()
        _prune(old.parent, root)


def _prune(folder: Path, root: Path) -> None:
    """Remove folders that are left empty: an empty folder would still be importable, as a namespace package."""
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _take_back(root: Path, change: FileChange) -> None:
    old = root / change.old_path
    old.parent.mkdir(parents=True, exist_ok=True)
    old.write_bytes(change.before.content)
    old.chmod(change.before.mode)
    if change.renamed:
        (root / change.path).unlink(missing_ok=True)


def _write_record(changeset: Changeset, root: Path, record: Path) -> None:
    """Replace the record of an earlier run: its changes are gone, or this run would have none."""
    _drop_record(record)
    pre_images = {f"before/{change.old_path}": change.before.content for change in changeset.changes}
    write_files(audit_files(changeset, str(root)) | pre_images, record)


def _recorded(record: Path, root: Path) -> Iterator[FileChange]:
    try:
        account = json.loads((record / "changeset.json").read_bytes())
    except FileNotFoundError as error:
        raise PatchError(
            f"{root} holds no record of an applied series {record.name}",
            hint="only what `m2build patch apply` changed can be taken back; for the rest use your version control",
        ) from error
    for file in account["files"]:
        old_path = file["renamedFrom"] or file["path"]
        before = SourceFile.of((record / "before" / old_path).read_bytes(), int(file["before"]["mode"], 8))
        current = root / file["path"]
        content = current.read_bytes() if current.is_file() else b""
        if hashlib.sha256(content).hexdigest() != file["after"]["sha256"]:
            raise PatchError(
                f"{current} was changed since the series was applied; nothing was taken back",
                hint="undo your own change to it first, or revert with your version control",
            )
        yield FileChange(old_path, before, file["path"], SourceFile.of(content, int(file["after"]["mode"], 8)))


def _drop_record(record: Path) -> None:
    shutil.rmtree(record, ignore_errors=True)
    with suppress(OSError):
        record.parent.rmdir()


@contextmanager
def _translated(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{error.filename or where} cannot be written: {error.strerror}; nothing was changed"
        ) from error
