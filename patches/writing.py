"""Writing a changeset to disk: the only part of the library that does, and only where it is asked to.

All new files are staged beside their targets first; then each is renamed into place. What fails on the way is taken
back, so that the tree is either as it was or wholly changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from m2build.errors import ContentError, PatchError, StorageError
from m2build.local.atomic import beside
from m2build.local.folders import nothing, output_folder
from m2build.patches.audit import audit_files
from m2build.patches.change import FileChange
from m2build.patches.changeset import Changeset
from m2build.patches.tree import SourceFile, SourceTree

RECORD = ".m2build"
"""The folder in a patched working directory that holds the account and the pre-images."""


def apply_to_directory(changeset: Changeset, root: Path) -> None:
    """Change the files below `root`, and keep an account with the pre-images under `.m2build/SERIES`.

    Raises:
        PatchError: a file on disk is not the one that the changeset was made from, or changes of an earlier run of the
            same series are still there, whose pre-images would be lost.
        StorageError: something cannot be written; everything is as it was.
    """
    if not changeset.changes:
        return
    record = root / RECORD / changeset.series.id
    with _translated(root):
        _check_record(record, root)
        try:
            _write_record(changeset, root, record)
            _commit(root, changeset.changes)
        except BaseException:
            _drop_record(record)
            raise


def revert_directory(series_id: str, root: Path) -> tuple[FileChange, ...]:
    """Take back what `apply_to_directory` did, from its record; returns the changes that were made.

    Raises:
        PatchError: there is no record, or a file was changed since.
        ContentError: the record is damaged.
        StorageError: something cannot be read or written; everything is as it was.
    """
    record = root / RECORD / series_id
    with _translated(root):
        changes = tuple(_still_to_revert(record, root))
        _commit(root, changes)
        _drop_record(record)
    return changes


def write_files(files: Mapping[str, bytes], folder: Path, *, may_replace: Callable[[Path], bool] = nothing) -> None:
    """Write a new folder of files: under a temporary name, then renamed; the same folder again is left as it is.

    Args:
        files: path -> bytes.
        folder: where they go.
        may_replace: whether a folder that is there and holds something else may go.

    Raises:
        UsageError: something else is there.
        StorageError: something cannot be written.
    """
    tree = SourceTree({path: SourceFile.of(content) for path, content in files.items()}, origin="files")
    write_tree(tree, folder, may_replace=may_replace)


def write_tree(tree: SourceTree, folder: Path, *, may_replace: Callable[[Path], bool] = nothing) -> None:
    """Write a whole tree as a new folder: under a temporary name, then renamed; the same again is left as it is.

    Raises:
        UsageError: something else is there.
        StorageError: something cannot be written.
    """
    with _translated(folder), output_folder(folder, may_replace=may_replace) as staging:
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


def _commit(root: Path, changes: tuple[FileChange, ...]) -> None:
    """Make the changes, or none of them. A renamed file may take the place of one that makes way."""
    leaving = {change.old_path for change in changes} - {change.path for change in changes}
    arriving = {change.path for change in changes} - {change.old_path for change in changes}
    for change in changes:
        _check_before(root, change, must_be_free=change.path in arriving)
    staged = [(beside(root / change.path), change) for change in changes]
    moving = False
    try:
        for temporary, change in staged:
            _stage(root, change, temporary)
        moving = True
        for temporary, change in staged:
            temporary.replace(root / change.path)
        for path in leaving:
            (root / path).unlink()
        _prune(root, leaving)
    except BaseException:
        if moving:
            _take_back(root, changes, arriving)
        for temporary, _ in staged:
            with suppress(OSError):
                temporary.unlink()
        _prune(root, arriving)
        raise


def _check_before(root: Path, change: FileChange, *, must_be_free: bool) -> None:
    path = root / change.old_path
    if path.is_symlink() or not path.is_file():
        raise PatchError(f"{path} is not there as a regular file; nothing was changed")
    if _digest(path) != change.before.sha256:
        raise PatchError(
            f"{path} is not the file that this change was made from; nothing was changed",
            hint="undo what was done to it since, then run the command again",
        )
    target = root / change.path
    if must_be_free and os.path.lexists(target):
        raise PatchError(f"{target} exists already; nothing was changed")


def _stage(root: Path, change: FileChange, temporary: Path) -> None:
    temporary.parent.mkdir(parents=True, exist_ok=True)
    owner = (root / change.old_path).stat()
    with temporary.open("xb") as file:
        file.write(change.after.content)
    if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
        with suppress(PermissionError):
            os.chown(temporary, owner.st_uid, owner.st_gid)
    temporary.chmod(change.after.mode)


def _take_back(root: Path, changes: Iterable[FileChange], arriving: Iterable[str]) -> None:
    for path in arriving:
        (root / path).unlink(missing_ok=True)
    for change in changes:
        old = root / change.old_path
        old.parent.mkdir(parents=True, exist_ok=True)
        if _digest(old) != change.before.sha256:
            old.write_bytes(change.before.content)
        old.chmod(change.before.mode)


def _prune(root: Path, paths: Iterable[str]) -> None:
    """Remove the folders that files have left empty: they would be importable, as namespace packages."""
    for path in paths:
        for folder in (root / path).parents:
            if folder == root or (folder.is_dir() and any(folder.iterdir())):
                break
            if folder.is_dir():
                folder.rmdir()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _check_record(record: Path, root: Path) -> None:
    """Stop where the record of an earlier run is still of use: a new one would replace its pre-images."""
    if record.is_dir() and any(_digest(root / entry.path) == entry.after for entry in _entries(record)):
        raise PatchError(
            f"{root} still holds changes of an earlier run of {record.name}; nothing was changed",
            hint=f"run `m2build patch revert` first; or remove {record}, and those changes cannot be taken back",
        )


def _write_record(changeset: Changeset, root: Path, record: Path) -> None:
    _drop_record(record)
    pre_images = {f"before/{change.old_path}": change.before.content for change in changeset.changes}
    write_files(audit_files(changeset, str(root)) | pre_images, record)


@dataclass(frozen=True)
class _Entry:
    """One file of a record: where it was and is, and the digests of what it was and became."""

    old_path: str
    path: str
    before: str
    after: str
    mode: int


def _entries(record: Path) -> list[_Entry]:
    try:
        return [
            _Entry(
                file["renamedFrom"] or file["path"],
                file["path"],
                file["before"]["sha256"],
                file["after"]["sha256"],
                int(file["before"]["mode"], 8),
            )
            for file in json.loads((record / "changeset.json").read_bytes())["files"]
        ]
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise ContentError(f"the record {record} is damaged", hint="use your version control instead") from error


def _still_to_revert(record: Path, root: Path) -> Iterator[FileChange]:
    """The changes that take back what a record tells of; what somebody took back already is left out."""
    if not record.is_dir():
        raise PatchError(
            f"{root} holds no record of an applied series {record.name}",
            hint="only what `m2build patch apply` changed can be taken back; for the rest use your version control",
        )
    for entry in _entries(record):
        old, current = root / entry.old_path, root / entry.path
        if _digest(old) == entry.before and (old == current or not os.path.lexists(current)):
            continue
        if _digest(current) != entry.after:
            raise PatchError(
                f"{current} was changed since the series was applied; nothing was taken back",
                hint="undo your own change to it first, or revert with your version control",
            )
        before = SourceFile.of((record / "before" / entry.old_path).read_bytes(), entry.mode)
        if before.sha256 != entry.before:
            raise ContentError(f"the record {record} is damaged: {entry.old_path} is not the file that was changed")
        after = SourceFile.of(current.read_bytes(), stat.S_IMODE(current.stat().st_mode))
        yield FileChange(entry.path, after, entry.old_path, before)


def _drop_record(record: Path) -> None:
    """Remove a record, at once under its own name. One that cannot be removed tells of nothing that is still there."""
    doomed = beside(record)
    try:
        with suppress(OSError):
            record.replace(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
    finally:
        shutil.rmtree(doomed, ignore_errors=True)  # an interrupt in the first attempt leaves nothing behind either
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
