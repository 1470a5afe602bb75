"""Applying a series to a folder and taking it back: wholly or not at all, and whatever stops it can be completed."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from m2build.errors import M2BuildError, PatchError, StorageError, UsageError
from m2build.local.held import HeldFolder, UnheldPathError, hold
from m2build.patches.changeset import Changeset
from m2build.patches.record import (
    Record,
    drop_record,
    keep_after,
    read_record,
    remove_leftovers,
    write_record,
)
from m2build.patches.steps import find, remove_staged, take

PATIENCE = 60.0
"""Seconds to wait for another process that changes the same folder; a change takes a second or two."""


def apply_to_directory(series_id: str, root: Path, derive: Callable[[], Changeset]) -> Changeset:
    """Change the files below `root`, and keep an account with the files before and after under `.m2build/SERIES`.

    What an earlier run of the series was killed in is completed first.

    Args:
        series_id: the series.
        root: the folder.
        derive: makes the changeset of the folder as it is then; what it raises passes.

    Returns:
        What `derive` has made.

    Raises:
        PatchError: a file on disk is not the one that the changeset was made from, or is reached through a link; or
            changes of an earlier run are still there, which could not be taken back any more.
        ContentError: the record of an earlier run is damaged.
        StorageError: something cannot be written; everything is as it was.
    """
    with _changing(root, series_id) as folder:
        record = read_record(folder, series_id)
        if record and _is_begun(folder, record):
            take(folder, record.forth, record.back)  # of what is whole, it removes what a killed revert has staged
        changeset = derive()
        if changeset.changes:
            if record and any(step.end and step.is_done(find(folder, step)) for step in record.forth):
                raise PatchError(
                    f"{root} still holds changes of an earlier run of {series_id}; nothing was changed",
                    hint=f"run `m2build patch revert` first; or remove {root / record.path}, and those changes "
                    "cannot be taken back",
                )
            _apply(folder, changeset)
    return changeset


def revert_directory(series_id: str, root: Path) -> tuple[str, ...]:
    """Take back what `apply_to_directory` did, from its record; returns the paths of the files that were put back.

    Raises:
        PatchError: there is no record, or a file was changed since.
        ContentError: the record is damaged.
        StorageError: something cannot be read or written; everything is as it was.
    """
    with _changing(root, series_id) as folder:
        record = read_record(folder, series_id)
        if record is None:
            raise PatchError(
                f"{root} holds no record of an applied series {series_id}",
                hint="only what `m2build patch apply` changed can be taken back; for the rest use your version control",
            )
        keep_after(folder, record)
        restored = take(folder, record.back, record.forth)
        with suppress(OSError):  # one that cannot be removed tells of nothing that is still there
            drop_record(folder, record.path)
    return restored


def check_settled(series_id: str, root: Path) -> None:
    """See that a folder is not what a killed run left: it is neither the sources nor the patched ones.

    Raises:
        PatchError: it is.
        ContentError: the record in it is damaged.
        StorageError: it cannot be read.
    """
    with _translated(root), hold(root) as folder:
        record = read_record(folder, series_id)
        if record and _is_half_done(folder, record):
            raise PatchError(
                f"{root} holds {series_id} in part: the run that applied it or took it back was stopped",
                hint="`m2build patch apply` completes it, `m2build patch revert` takes it back",
            )


def _is_half_done(folder: HeldFolder, record: Record) -> bool:
    """Whether some paths are as after the change and the others as before it."""
    done = [step.is_done(find(folder, step)) for step in record.forth]
    return not all(done) and _is_begun(folder, record)


def _is_begun(folder: HeldFolder, record: Record) -> bool:
    """Whether some paths or all are as after the change, and the others as before it; not what was edited since."""
    found = [(step, find(folder, step)) for step in record.forth]
    left = [(step, state) for step, state in found if not step.is_done(state)]
    return len(left) < len(found) and all(step.is_open(state) for step, state in left)


def _apply(folder: HeldFolder, changeset: Changeset) -> None:
    try:
        record = write_record(folder, changeset)
        take(folder, record.forth, record.back)
    except BaseException:
        with suppress(M2BuildError, OSError):
            _abandon(folder, changeset.series.id)
        raise


def _abandon(folder: HeldFolder, series_id: str) -> None:
    """Remove the record of what was not done; a change that could not be taken back needs its record."""
    record = read_record(folder, series_id)
    if record and not any(step.is_done(find(folder, step)) for step in record.forth):
        remove_staged(folder, record.forth)
        drop_record(folder, record.path)


@contextmanager
def _changing(root: Path, series_id: str) -> Iterator[HeldFolder]:
    """A folder that nobody else of ours changes meanwhile, without what killed runs left among its records."""
    if "/" in series_id or series_id in ("", ".", ".."):
        raise UsageError(f"{series_id!r} is no id of a series")
    with _translated(root), hold(root) as folder:
        _lock(folder)
        remove_leftovers(folder)
        yield folder


def _lock(folder: HeldFolder) -> None:
    """Lock a folder for as long as it is held (flock(2)); a file system without locks leaves it open."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(folder.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise StorageError(
                    f"another m2build has been changing {folder.path} for {PATIENCE:.0f} s; nothing was changed",
                    hint="wait for it to end, or end it",
                ) from None
            time.sleep(0.02)
        except OSError:
            return
        else:
            return


@contextmanager
def _translated(where: Path) -> Iterator[None]:
    try:
        yield
    except UnheldPathError as error:
        raise PatchError(
            f"{error.filename} {error.strerror}; nothing was changed",
            hint=f"only what really stands in {where} is changed: name the folder that the file stands in",
        ) from error
    except OSError as error:
        raise StorageError(
            f"{error.filename or where} cannot be written: {error.strerror}; nothing was changed"
        ) from error
