"""A diff tried on a tree, forwards and in reverse: what it changes, or where it does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from m2build.patches.change import FileChange
from m2build.patches.diffs.model import FileDiff, Kind, Step
from m2build.patches.diffs.place import Placed, Unplaced, apply, place
from m2build.patches.tree import SourceFile, SourceTree

_EMPTY = SourceFile.of(b"")


@dataclass(frozen=True, slots=True)
class Tried:
    """The diff of one file, tried on a tree.

    Attributes:
        diff: the diff.
        problem: what keeps the file as a whole from being changed; None if nothing does.
        hunks: each hunk, in their order; empty if there is no file to look at.
        change: what the diff comes to; None if it does not fit.
    """

    diff: FileDiff
    problem: str | None
    hunks: tuple[Placed | Unplaced, ...] = ()
    change: FileChange | None = None

    @property
    def moved(self) -> bool:
        """Whether a hunk stands elsewhere than it says."""
        return any(isinstance(one, Placed) and one.offset for one in self.hunks)


class State(Enum):
    """How a tree is to the diff of one file."""

    BEFORE = auto()
    """The diff can be applied."""
    AFTER = auto()
    """The diff has been applied."""
    EITHER = auto()
    """It looks like both, and they would differ."""
    NEITHER = auto()
    OPEN = auto()
    """It fits both ways, and other parts of the diff are about the same file: they may take back what this one does."""


@dataclass(frozen=True, slots=True)
class Both:
    """The diff of one file, tried both ways.

    Attributes:
        forth: as it is.
        back: reversed.
        repeated: whether other parts of the diff are about the same file.
    """

    forth: Tried
    back: Tried
    repeated: bool

    @property
    def state(self) -> State:
        """How the tree is to it; of both ways that fit, the one counts that needs no offset."""
        if not (self.forth.change and self.back.change):
            return State.BEFORE if self.forth.change else State.AFTER if self.back.change else State.NEITHER
        if self.repeated:
            return State.OPEN
        if self.forth.moved == self.back.moved:
            return State.EITHER
        return State.AFTER if self.forth.moved else State.BEFORE


def try_both_ways(steps: Sequence[Step], tree: SourceTree) -> tuple[tuple[Both, ...], ...]:
    """Try steps on a tree, each on what the one before makes of it, and in reverse.

    A file that does not fit stays as it is for the steps that follow. Only the files that a step names are read.
    """
    backwards = [tuple(diff.reversed() for diff in step) for step in reversed(steps)]
    forth, back = list(_tried(steps, tree)), list(_tried(backwards, tree))
    named = Counter(path for step in steps for diff in step for path in diff.paths)
    return tuple(
        tuple(
            Both(one, other, repeated=any(named[path] > 1 for path in one.diff.paths))
            for one, other in zip(*pair, strict=True)
        )
        for pair in zip(forth, reversed(back), strict=True)
    )


def _tried(steps: Iterable[Step], tree: SourceTree) -> Iterator[tuple[Tried, ...]]:
    now = _Files(tree)
    for step in steps:
        tried = tuple(_Step(now, step).tried())
        yield tried
        now.change([one.change for one in tried if one.change])


class _Files:
    """A tree and what has become of some of its files."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self._changed: dict[str, SourceFile | None] = {}

    def get(self, path: str) -> SourceFile | None:
        """The file at a path now."""
        return self._changed[path] if path in self._changed else self.tree.get(path)

    def below(self, folder: str) -> Iterator[str]:
        """What is in a folder now: files, and the symbolic links of the tree."""
        start, tree = f"{folder}/", self.tree
        known = [*(tree if folder in tree.folders else ()), *tree.links, *self._changed]
        return (path for path in known if path.startswith(start) and (path in tree.links or self.get(path)))

    def change(self, changes: list[FileChange]) -> None:
        """Make changes that all start from the present files."""
        self._changed |= {change.old_path: None for change in changes if change.before}
        self._changed |= {change.path: change.after for change in changes if change.after}


class _Step:
    """The diffs of one step."""

    def __init__(self, files: _Files, step: Step) -> None:
        self._files = files
        self._step = step
        self._leaving = {diff.old.path for diff in step if diff.kind in (Kind.RENAME, Kind.DELETE)}
        self._coming = {diff.new.path for diff in step if diff.kind not in (Kind.EDIT, Kind.DELETE)}

    def tried(self) -> Iterator[Tried]:
        """Try each."""
        for diff in self._step:
            old, new = diff.old.path or "", diff.new.path or ""
            file = None if diff.kind is Kind.CREATE else self._files.get(old)
            if diff.kind is Kind.CREATE or (diff.kind is Kind.WRITE and file is None):
                yield self._fitted(diff, None, self._blocked(new))
            elif file is None:
                yield Tried(diff, self._linked(old) or f"there is no {old}")
            else:
                blocked = self._blocked(new) if diff.kind in (Kind.RENAME, Kind.COPY) else None
                yield self._fitted(diff, file, self._linked(old) or blocked or _other_mode(diff, file))

    def _fitted(self, diff: FileDiff, file: SourceFile | None, problem: str | None) -> Tried:
        before = file or _EMPTY
        hunks = place(before.content, diff.hunks) if diff.hunks else ()
        placed = [one for one in hunks if isinstance(one, Placed)]
        if problem or len(placed) < len(hunks):
            return Tried(diff, problem, hunks)
        after = _edited(before, placed, diff.new_mode)
        if diff.kind is Kind.DELETE and after.size:
            return Tried(diff, f"{diff.old.path} holds more than what is to be deleted", hunks)
        return Tried(diff, None, hunks, _change(diff, file, after))

    def _linked(self, path: str) -> str | None:
        """Which link is in the way to a path, if one is."""
        for above in _and_above(path):
            if above in self._files.tree.links:
                return f"{path} is a symbolic link" if above == path else f"{path} is behind the symbolic link {above}"
        return None

    def _blocked(self, path: str) -> str | None:
        """What is in the way of a new file, if something is."""
        for above in _and_above(path):
            if self._files.get(above) and above not in self._leaving:
                return f"{above} is there already" + (", and no folder" * (above != path))
            if above != path and above in self._coming:
                return f"{above} becomes a file, and no folder"
        if not self._leaving.issuperset(self._files.below(path)):
            return f"{path} is a folder"
        return self._linked(path)


def _and_above(path: str) -> Iterator[str]:
    """A path, and the folders that it is in."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _other_mode(diff: FileDiff, file: SourceFile) -> str | None:
    """What is wrong with a file's mode, of which git keeps only whether the owner may execute it."""
    if diff.old_mode is None or bool(diff.old_mode & 0o100) == bool(file.mode & 0o100):
        return None
    return f"{diff.old.path} has the mode {file.mode & 0o777:04o}, and is to have {diff.old_mode:04o} before"


def _edited(file: SourceFile, hunks: list[Placed], mode: int | None) -> SourceFile:
    if mode is None or bool(mode & 0o100) == bool(file.mode & 0o100):
        mode = file.mode
    else:
        executed = (file.mode & 0o444) >> 2 if mode & 0o100 else 0
        mode = file.mode & ~0o111 | executed
    return SourceFile.of(apply(file.content, hunks), mode) if hunks or mode != file.mode else file


def _change(diff: FileDiff, before: SourceFile | None, after: SourceFile) -> FileChange:
    old, new = diff.old.path or "", diff.new.path or ""
    if before is None or diff.kind is Kind.COPY:
        return FileChange.created(new, after)
    if diff.kind is Kind.DELETE:
        return FileChange.deleted(old, before)
    return FileChange(old, before, new, after)
