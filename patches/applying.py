"""Applying a series to a folder and reverting it: wholly or not at all; an interrupted run can be completed."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from m2build.documents.arguments import typed_arguments
from m2build.errors import M2BuildError, PatchError, StorageError, UsageError
from m2build.local.held import HeldFolder, PathRefusedError, hold
from m2build.patches.change import Codemod
from m2build.patches.changeset import Changeset, apply_series
from m2build.patches.record import (
    Record,
    drop_record,
    keep_after,
    read_record,
    remove_leftovers,
    write_record,
)
from m2build.patches.series import Series
from m2build.patches.sources import from_directory
from m2build.patches.steps import find, remove_staged, take
from m2build.patches.tree import folders_above

PATIENCE = 60.0
"""Seconds to wait for another process that changes the same folder; a change takes a second or two."""


@typed_arguments
def apply_to_directory(
    series: Series,
    folder: Path,
    *,
    codemods: Mapping[str, type[Codemod]] | None = None,
    allow: Collection[str] = (),
) -> Changeset:
    """Apply a series to the files below a folder, wholly or not at all; `revert_directory` undoes it.

    The account, with the files before and after, is kept under `.m2build/SERIES` in the folder. What an earlier run of
    the series was killed in is completed first. Another process that changes the folder is waited for, 60 s at most.

    Args:
        series: the series.
        folder: the folder that holds the top-level packages.
        codemods: the codemods that the patches may name, by their names; by default those that are installed.
        allow: packages whose libcst codemods may be imported, besides those that the series allows.

    Returns:
        What was changed, every patch of which passes.

    Raises:
        UsageError: there is no such folder; or what `apply_series` raises.
        PatchError: a patch does not apply; a file on disk is not the one that the changeset was made from, or is
            reached through a link; or changes of an earlier run are still there, which could not be reverted any
            more.
        ContentError: the record of an earlier run is damaged, or the folder holds more files than any sources do.
        StorageError: something cannot be read or written; everything is as it was.

    Example:
        >>> import tempfile
        >>> from m2build.patches import Patch, RenameModule, Series, SourceTree, write_tree
        >>> patch = Patch.of(
        ...     RenameModule("app.old", "app.new"),
        ...     id="rename",
        ...     summary="Rename app.old",
        ...     why="It shadows something.",
        ...     author="Jo Doe",
        ...     last_update="2026-11-27",
        ... )
        >>> series = Series.of(patch, id="mine", summary="A renaming", distribution="app")
        >>> files = {"app/__init__.py": "", "app/old.py": "", "app/use.py": "from app import old\\n"}
        >>> with tempfile.TemporaryDirectory() as above:
        ...     folder = Path(above, "src")
        ...     write_tree(SourceTree.of(files), folder)
        ...     [change.path for change in apply_to_directory(series, folder).changes]
        ...     revert_directory(series, folder)
        ['app/new.py', 'app/use.py']
        ('app/old.py', 'app/use.py')
    """
    return change_directory(
        series.id, folder, lambda: apply_series(series, from_directory(folder), codemods, allow=allow).checked()
    )


@typed_arguments
def revert_directory(series: Series | str, folder: Path) -> tuple[str, ...]:
    """Undo what `apply_to_directory` did to a folder, to the byte, from its record.

    Args:
        series: the series, or its id.
        folder: the folder.

    Returns:
        The paths of the files that were put back.

    Raises:
        UsageError: it is not an id.
        PatchError: there is no record, or a file was changed since.
        ContentError: the record is damaged.
        StorageError: something cannot be read or written; everything is as it was.

    Example:
        >>> revert_directory("..", Path("src"))
        Traceback (most recent call last):
        m2build.errors.UsageError: '..' is not the id of a series
    """
    series_id = series if isinstance(series, str) else series.id
    with _changing(folder, series_id) as held:
        record = read_record(held, series_id)
        if record is None:
            raise PatchError(
                f"{folder} holds no record of an applied series {series_id}",
                hint="only what `m2build patch apply` changed can be reverted; for the rest use your version control",
            )
        keep_after(held, record)
        restored = take(held, record.back, record.forth)
        with suppress(OSError):  # one that cannot be removed records nothing that is still there
            drop_record(held, record.path)
    return restored


def change_directory(series_id: str, root: Path, derive: Callable[[], Changeset]) -> Changeset:
    """What `apply_to_directory` does with a changeset.

    Args:
        series_id: the id of the changeset's series.
        root: the folder.
        derive: makes the changeset of the folder as it is once it is locked and completed; what it raises passes.
    """
    with _changing(root, series_id) as folder:
        record = read_record(folder, series_id)
        if record and _is_begun(folder, record):
            take(folder, record.forth, record.back)  # of what is whole, it removes what a killed revert has staged
        try:
            changeset = derive()
        except PatchError as error:
            if record is None or not all(step.is_done(find(folder, step)) for step in record.forth):
                raise
            raise PatchError(
                f"{root} holds what an earlier run of {series_id} made; on top of that, {error.message}",
                hint="if the series is still the same, nothing is left to do; else run `m2build patch revert` first",
                details=error.details,
            ) from error
        if changeset.changes:
            if record and any(step.end and step.is_done(find(folder, step)) for step in record.forth):
                raise PatchError(
                    f"{root} still holds changes of an earlier run of {series_id}; nothing was changed",
                    hint=f"run `m2build patch revert` first; or remove {root / record.path}, and those changes "
                    "cannot be reverted",
                )
            _apply(folder, changeset)
    return changeset


def check_settled(series_id: str, root: Path) -> None:
    """Check that a folder is not what a killed run left: neither the sources nor the patched ones.

    Raises:
        PatchError: it is.
        ContentError: the record in it is damaged.
        StorageError: it cannot be read.
    """
    with _translated(root), hold(root) as folder:
        record = read_record(folder, series_id)
        if record and _is_half_done(folder, record):
            raise PatchError(
                f"{root} holds {series_id} in part: a run that applied or reverted it was interrupted",
                hint="`m2build patch apply` completes it, `m2build patch revert` reverts it",
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
    _check_folders(folder, changeset)
    try:
        record = write_record(folder, changeset)
        take(folder, record.forth, record.back)
    except BaseException:
        with suppress(M2BuildError, OSError):
            _abandon(folder, changeset.series.id)
        raise


def _check_folders(folder: HeldFolder, changeset: Changeset) -> None:
    """Refuse a file where a folder goes, and a folder where a file goes: a killed run would leave neither of the two.

    Raises:
        PatchError: there is one.
    """
    gone = {change.old_path for change in changeset.changes if change.before}
    come = {change.path for change in changeset.changes if change.after}
    for was, becomes, inside, at in (("folder", "file", gone, come), ("file", "folder", come, gone)):
        for path in sorted(above for one in inside for above in folders_above(one) if above in at):
            raise PatchError(
                f"{folder.path / path} is a {was} and would become a {becomes}; nothing was changed",
                hint="delete what is there by one series, apply it, and add the new files by another one",
            )


def _abandon(folder: HeldFolder, series_id: str) -> None:
    """Remove the record of what was not done; a change that could not be reverted needs its record."""
    record = read_record(folder, series_id)
    if record and not any(step.is_done(find(folder, step)) for step in record.forth):
        remove_staged(folder, record.forth)
        drop_record(folder, record.path)


@contextmanager
def _changing(root: Path, series_id: str) -> Iterator[HeldFolder]:
    """A folder that no other m2build changes meanwhile, without what killed runs left among its records."""
    if "/" in series_id or series_id in ("", ".", ".."):
        raise UsageError(f"{series_id!r} is not the id of a series")
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
                    hint="wait for it to end, or stop it",
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
    except PathRefusedError as error:
        raise PatchError(
            f"{error.filename} {error.strerror}; nothing was changed",
            hint=f"only files that really are in {where} are changed: name the folder that the file is in",
        ) from error
    except OSError as error:
        raise StorageError(
            f"{error.filename or where} cannot be written: {error.strerror}; nothing was changed"
        ) from error
