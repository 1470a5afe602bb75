"""The record of an applied series: a folder `.m2build/SERIES` with the account, and each file before and after.

It is whole on the disk before the first file changes, so that a killed run can be completed or reverted.
A record comes with the tree, and its author is not known: everything is reached through the tree's own held folder.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.errors import ContentError
from m2build.local.held import HeldFolder, NewFile, PathRefusedError
from m2build.patches.account import LARGEST_ACCOUNT, RecordedFile, read_account
from m2build.patches.steps import Step, find

if TYPE_CHECKING:
    from m2build.patches.changeset import Changeset

FOLDER = ".m2build"
"""The folder in a patched working directory that holds the records."""

_MODE = 0o644
_STAGING = re.compile(r"\.m2build-tmp-[0-9a-f]{16}")


@dataclass(frozen=True)
class Record:
    """The record of one series in one tree.

    Attributes:
        path: where it is, relative to the tree.
        files: the files that it records.
    """

    path: str
    files: tuple[RecordedFile, ...]

    @property
    def forth(self) -> tuple[Step, ...]:
        """The steps from before to after."""
        return tuple(self._steps(forth=True))

    @property
    def back(self) -> tuple[Step, ...]:
        """The steps from after to before."""
        return tuple(self._steps(forth=False))

    def _steps(self, *, forth: bool) -> Iterator[Step]:
        before = {file.old_path: file for file in self.files if file.before}
        after = {file.path: file for file in self.files if file.after}
        for path in sorted(before.keys() | after.keys()):
            old, new = before.get(path), after.get(path)
            start, end = old.before if old else None, new.after if new else None
            if forth:
                yield Step(path, start, end, f"{self.path}/after/{path}", new.old_path if new and new.before else None)
            else:
                yield Step(path, end, start, f"{self.path}/before/{path}", old.path if old and old.after else None)


def read_record(folder: HeldFolder, series_id: str) -> Record | None:
    """The record of a series, or None if there is none.

    Raises:
        ContentError: it is damaged, or records what is not a file of the tree.
        OSError: it cannot be read.
    """
    path = f"{FOLDER}/{series_id}"
    try:
        if folder.status(path) is None:
            return None
        return Record(path, read_account(folder.read(f"{path}/changeset.json", LARGEST_ACCOUNT)))
    except PathRefusedError as error:
        problem = f"{error.filename} {error.strerror}"
    except FileNotFoundError:
        problem = "it has no changeset.json"
    except ValueError as error:
        problem = str(error)
    raise ContentError(
        f"the record {folder.path / path} is damaged: {problem}; nothing was changed",
        hint="use your version control instead, and remove the record",
    )


def write_record(folder: HeldFolder, changeset: Changeset) -> Record:
    """Write a record, in the place of one that is of no use any more.

    Raises:
        ContentError: the changeset is larger than any that can be reverted.
        OSError: it cannot be written.
    """
    from m2build.patches.audit import audit_files  # looking for a record needs no diffs

    path = f"{FOLDER}/{changeset.series.id}"
    files = audit_files(changeset, str(folder.path))
    files |= {f"before/{change.old_path}": change.before.content for change in changeset.changes if change.before}
    files |= {f"after/{change.path}": change.after.content for change in changeset.changes if change.after}
    drop_record(folder, path)
    _put(folder, path, files)
    record = read_record(folder, changeset.series.id)
    if record is None:
        raise FileNotFoundError(2, "No such file or directory", str(folder.path / path))
    return record


def keep_after(folder: HeldFolder, record: Record) -> None:
    """Check that the files after the change are kept as well, before they are removed: older releases did not.

    Raises:
        OSError: they cannot be written.
    """
    path = f"{record.path}/after"
    if folder.status(path) is None:
        present = [step for step in record.back if step.start and step.is_open(find(folder, step))]
        if present:  # a change that only deletes leaves nothing
            _put(folder, path, {step.path: folder.read(step.path, step.start.size) for step in present if step.start})


def drop_record(folder: HeldFolder, path: str) -> None:
    """Remove a record, if it is there: at once under its own name.

    Raises:
        OSError: it cannot be removed.
    """
    if folder.status(path) is not None:
        doomed = _new_name()
        try:
            folder.rename(path, doomed)
            folder.remove_tree(doomed)
        finally:
            folder.remove_tree(doomed)  # an interrupt in the first attempt leaves nothing behind either
    folder.prune(path)


def remove_leftovers(folder: HeldFolder) -> None:
    """Remove what killed runs left among the records; the folder is locked."""
    for name in folder.names(FOLDER):
        if _STAGING.fullmatch(name):
            folder.remove_tree(f"{FOLDER}/{name}")


def _put(folder: HeldFolder, path: str, files: Mapping[str, bytes]) -> None:
    """Have a new folder on the disk, whole under its name or not at all."""
    staging = _new_name()
    try:
        with folder.staying():
            folder.write_through(
                NewFile(f"{staging}/{name}", content, _MODE) for name, content in sorted(files.items())
            )
            for name in {name.rpartition("/")[0]: name for name in sorted(files)}.values():
                folder.sync_above(f"{staging}/{name}")
        folder.rename(staging, path)
        folder.sync_above(path)
        folder.sync_above(FOLDER)
    except BaseException:
        folder.remove_tree(staging)
        with suppress(OSError):
            folder.prune(staging)
        raise


def _new_name() -> str:
    return f"{FOLDER}/.m2build-tmp-{secrets.token_hex(8)}"
