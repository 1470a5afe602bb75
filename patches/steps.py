"""What applying a series does to each path, and to go there or back: from whatever mixture of the two a tree is in."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from m2build.errors import ContentError, PatchError, StorageError
from m2build.local.held import HeldFolder, NewFile, PathRefusedError
from m2build.patches.tree import FileState


@dataclass(frozen=True)
class Step:
    """One path on the way from one state of a tree to the other.

    Attributes:
        path: which one.
        start: the file that is there before; None if there is none.
        end: the file that is there afterwards; None if there is none.
        image: where the bytes of `end` are kept.
        origin: the path whose owner the file keeps; None if it is a new file, and the user who runs m2build owns it.
    """

    path: str
    start: FileState | None
    end: FileState | None
    image: str
    origin: str | None

    def is_done(self, found: FileState | None) -> bool:
        """Whether what was found is the end. A mode counts only if start and end differ in nothing else."""
        return _same(found, self.end, self.start)

    def is_open(self, found: FileState | None) -> bool:
        """Whether what was found is the start."""
        return _same(found, self.start, self.end)


def _same(found: FileState | None, wanted: FileState | None, other: FileState | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    only_the_mode = other is not None and other.sha256 == wanted.sha256
    return found.sha256 == wanted.sha256 and (not only_the_mode or found.mode == wanted.mode)


def find(folder: HeldFolder, step: Step) -> FileState | None:
    """What stands at a step's path; for a file that is neither its start nor its end the digest is empty."""
    status = folder.status(step.path)
    if status is None:
        return None
    mode, sizes = status.st_mode & 0o777, {state.size for state in (step.start, step.end) if state}
    if not stat.S_ISREG(status.st_mode) or status.st_size not in sizes:
        return FileState("", status.st_size, mode)
    return FileState(folder.digest(step.path), status.st_size, mode)


def take(folder: HeldFolder, steps: Iterable[Step], back: Iterable[Step]) -> tuple[str, ...]:
    """Bring every path to its end, or on a failure to its start; returns the paths of the files that were written.

    Everything new is staged beside its place first. A killed run leaves each path at its start or at its end, and
    what it has staged is removed by the next one.

    Args:
        folder: the tree.
        steps: what is to be done.
        back: the same steps the other way round.

    Raises:
        PatchError: a path is at neither of the two; nothing was changed.
        ContentError: what is kept of a file is not what the record says; nothing was changed.
        StorageError: something cannot be written and, what was changed before that, not be reverted either.
        OSError: something cannot be written; everything is as it was.
    """
    steps = tuple(steps)
    with folder.staying():
        todo = [step for step in steps if not _check(folder, step)]
        try:
            _take(folder, todo, steps)
        except BaseException:
            _take_back(folder, [step for step in back if step.path in {other.path for other in todo}])
            raise
    return tuple(step.path for step in todo if step.end)


def _check(folder: HeldFolder, step: Step) -> bool:
    """Whether a step is done already; a path that is at neither its start nor its end stops everything."""
    found = find(folder, step)
    if step.is_done(found):
        return True
    if step.is_open(found):
        if (
            step.start is None and step.origin and folder.status(step.origin) is None
        ):  # new names come before old ones go
            raise PatchError(f"{folder.path / step.origin} is missing, or not a regular file; nothing was changed")
        return False
    path = folder.path / step.path
    if step.start is None:
        raise PatchError(f"{path} exists already; nothing was changed", hint="move it away, or remove it")
    if found is None or not found.sha256:
        status = folder.status(step.path)
        if status is None or not stat.S_ISREG(status.st_mode):
            raise PatchError(f"{path} is missing, or not a regular file; nothing was changed")
    raise PatchError(
        f"{path} is not the file that this change was made from, it was edited since; nothing was changed",
        hint="undo that edit and run the command again, or use your version control",
    )


def _take(folder: HeldFolder, todo: list[Step], steps: Iterable[Step]) -> None:
    remove_staged(folder, steps)
    arriving = {step: step.end for step in todo if step.end}
    folder.write_through(_new_file(folder, step, end) for step, end in arriving.items())
    for step in arriving:
        folder.rename(_staged(step.path), step.path)
    for step in todo:
        if step.end is None:
            folder.remove(step.path)
    for path in {step.path.rpartition("/")[0]: step.path for step in todo}.values():
        folder.sync_above(path)
    for step in steps:
        if step.end is None:
            folder.prune(step.path)  # an empty folder would be importable, as a namespace package


def _take_back(folder: HeldFolder, back: list[Step]) -> None:
    try:
        changed = [step for step in back if not step.is_done(find(folder, step))]
        _take(folder, changed, back)
    except OSError as error:
        raise StorageError(
            f"{error.filename or folder.path} cannot be written: {error.strerror}; {folder.path} is changed in part",
            hint="`m2build patch apply` completes the change, `m2build patch revert` reverts it",
        ) from error


def remove_staged(folder: HeldFolder, steps: Iterable[Step]) -> None:
    """Remove what a killed run has staged."""
    for step in steps:
        folder.remove(_staged(step.path))


def _owner(folder: HeldFolder, step: Step) -> tuple[int, int] | None:
    """The owner that the file at a step's end keeps, if it is another one than a new file's."""
    status = folder.status(step.origin) if step.origin else None
    if status is None or (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid()):
        return None
    return status.st_uid, status.st_gid


def _new_file(folder: HeldFolder, step: Step, end: FileState) -> NewFile:
    """The file at a step's end, under its temporary name, with the bytes that the record keeps."""
    try:
        content = folder.read(step.image, end.size)
    except (FileNotFoundError, PathRefusedError):
        content = b""
    if hashlib.sha256(content).hexdigest() != end.sha256:
        raise ContentError(
            f"the record is damaged: {folder.path / step.image} is not the file that it describes; nothing was changed",
            hint="use your version control instead, and remove the record",
        )
    return NewFile(_staged(step.path), content, end.mode, _owner(folder, step))


def _staged(path: str) -> str:
    """The temporary name beside a path: always the same one, so that the next run finds it."""
    above, slash, _ = path.rpartition("/")
    return f"{above}{slash}.m2build-new-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
