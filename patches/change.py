"""What becomes of one file, and what a codemod has to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from m2build.documents.arguments import typed_arguments
from m2build.patches.tree import SourceFile, SourceTree


@dataclass(frozen=True)
class FileChange:
    """One file before and after: created, deleted, edited in place, renamed, or the last two at once.

    Attributes:
        old_path: where it is before; `path` if it is created.
        before: its bytes and mode before; None if it is created.
        path: where it is after; `old_path` if it is deleted.
        after: its bytes and mode after; None if it is deleted.

    Example:
        >>> file = SourceFile.of(b"x = 1\\n")
        >>> FileChange("a.py", file, "b.py", file).renamed
        True
        >>> FileChange.created("c.py", file).before is None
        True
    """

    old_path: str
    before: SourceFile | None
    path: str
    after: SourceFile | None

    @classmethod
    @typed_arguments
    def created(cls, path: str, file: SourceFile) -> FileChange:
        """The change that makes a new file."""
        return cls(path, None, path, file)

    @classmethod
    @typed_arguments
    def deleted(cls, path: str, file: SourceFile) -> FileChange:
        """The change that deletes a file."""
        return cls(path, file, path, None)

    @property
    def renamed(self) -> bool:
        """Whether the file changes its path."""
        return self.old_path != self.path

    @property
    def edited(self) -> bool:
        """Whether the file changes its bytes or its mode, is created, or is deleted."""
        if self.before is None or self.after is None:
            return True
        return self.before.content != self.after.content or self.before.mode != self.after.mode

    def reversed(self) -> FileChange:
        """The change that undoes this one."""
        return FileChange(self.path, self.after, self.old_path, self.before)

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.path} (new)"
        if self.after is None:
            return f"{self.path} (deleted)"
        return f"{self.old_path} -> {self.path}" if self.renamed else self.path


@typed_arguments
def changed_tree(tree: SourceTree, changes: Iterable[FileChange]) -> SourceTree:
    """The tree after the changes.

    Args:
        tree: the tree that they were made for.
        changes: those of a `Rewrite`, a `PatchResult` or a `Changeset`.

    Example:
        >>> tree = SourceTree.of({"a.py": "x = 1\\n", "b.py": ""})
        >>> list(changed_tree(tree, [FileChange("a.py", tree["a.py"], "c.py", tree["a.py"])]))
        ['b.py', 'c.py']
    """
    files: dict[str, SourceFile | None] = {}
    for change in changes:
        files.setdefault(change.old_path, None)
        if change.after is not None:
            files[change.path] = change.after
    return tree.replaced(files)


def net_changes(steps: Iterable[Iterable[FileChange]]) -> tuple[FileChange, ...]:
    """Successive changes of one tree folded into one change a file, sorted by path; what cancels out is dropped."""
    now: dict[str, FileChange] = {}
    deleted: dict[str, SourceFile] = {}
    for step in steps:
        for change in [_since_the_first(now, change) for change in list(step)]:
            if change.after is not None:
                now[change.path] = change
            elif change.before is not None:
                deleted[change.old_path] = change.before
    while both := deleted.keys() & now.keys():
        path = min(both)
        _keep_in_place(now, deleted, path)
    changes = [*now.values(), *(FileChange.deleted(path, file) for path, file in deleted.items())]
    return tuple(sorted((one for one in changes if one.renamed or one.edited), key=lambda one: one.path))


def _since_the_first(now: dict[str, FileChange], late: FileChange) -> FileChange:
    """A change together with those that led to the file that it starts from, which are taken out."""
    early = now.pop(late.old_path, None) if late.before is not None else None
    if early is None:
        return late
    if early.before is None:
        return FileChange(late.path, None, late.path, late.after)
    return FileChange(early.old_path, early.before, late.path if late.after else early.old_path, late.after)


def _keep_in_place(now: dict[str, FileChange], deleted: dict[str, SourceFile], path: str) -> None:
    """Take a file that was deleted, and whose path another file has now, for an edited one."""
    change = now[path]
    now[path] = FileChange(path, deleted.pop(path), path, change.after)
    if change.before is not None:
        deleted[change.old_path] = change.before


class Finding(StrEnum):
    """What a codemod found in a tree.

    Example:
        >>> from m2build.patches import RemoveDecorator
        >>> RemoveDecorator("app", "torch.compile").apply(SourceTree.of({"app.py": ""})).finding is Finding.ABSENT
        True
    """

    CHANGED = "changed"
    ALREADY_APPLIED = "already-applied"
    """Nothing to do, and the tree shows that this very change has been made."""
    ABSENT = "absent"
    """Nothing to do, because there is nothing to change; the patch says what that means."""
    OTHERWISE = "done-otherwise"
    """Nothing to do: the sources have the effect already, by another edit than this change makes."""
    GONE = "target-gone"
    """What the change starts from is not there; no patch takes this for nothing left to do."""
    CONFLICT = "conflict"
    """The change cannot be made exactly."""


class MentionKind(StrEnum):
    """Why a place is mentioned."""

    NOT_REWRITTEN = "not rewritten"
    """It names the thing that changed, and it was left alone."""
    NOT_SEARCHED = "not searched"
    """It could not be looked at, and may name the thing that changed."""
    WARNING = "warning"
    """The codemod warns of the file."""
    LEFT_OUT = "left out"
    """The patch is not to change it."""
    MOVED = "at an offset"
    """A change of a diff is made there, and not at the line that the diff says."""
    APPLIES = "applies"
    """A change of a diff could be made there, if the others could."""
    THERE = "there already"
    """A change of a diff has been made there."""
    MISSING = "missing"
    """What a change of a diff starts from is not there."""
    RELEVANT = "relevant"
    """It shows that the patch is relevant to the tree."""
    NOT_RELEVANT = "not relevant"
    """It shows that the patch is not."""
    MAYBE_RELEVANT = "maybe relevant"
    """It leaves that open, and the patch is taken for relevant."""
    NEAREST = "nearest"
    """A line of the tree where a change of a diff would have been looked for."""


@dataclass(frozen=True)
class Mention:
    """A place that a person should look at.

    Attributes:
        path: the file, as it is called after the change.
        line: counted from 1, after the change; None for what concerns the file as a whole.
        text: the line, stripped and cut to 160 characters; of a warning, what it says.
        kind: why it is mentioned.
        reason: why it was left alone, where the line itself does not show it.

    Example:
        >>> print(Mention("notes.md", 3, "see app.old"))
        not rewritten: notes.md:3: see app.old
    """

    path: str
    line: int | None
    text: str
    kind: MentionKind = MentionKind.NOT_REWRITTEN
    reason: str | None = None

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{self.kind}: {where}: {self.text}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class Proof:
    """What was done to the result of a change to show that the change is whole.

    Attributes:
        method: `find`: the search that found the places was made again; `run`: the whole codemod was run again.
        found: how many places, or with `run` files, the codemod found to change.
        found_again: how many of them the second search, or run, found in the result; a change with any is refused.

    Example:
        >>> Proof("find", 3).found_again
        0
    """

    method: Literal["find", "run"]
    found: int
    found_again: Literal[0] = 0


@dataclass(frozen=True)
class Rewrite:
    """A codemod's answer.

    Attributes:
        finding: which of the six.
        detail: one line for people: what was done, or why not.
        changes: the files that change; empty unless the finding is `CHANGED`.
        mentions: what a person should look at.
        proof: what shows that the change is whole, from a codemod that looks at its result.

    Example:
        >>> Rewrite(Finding.ABSENT, "there is no app.py").changes
        ()
    """

    finding: Finding
    detail: str
    changes: tuple[FileChange, ...] = ()
    mentions: tuple[Mention, ...] = ()
    proof: Proof | None = None

    def diff(self) -> bytes:
        """The changes as one diff, for `git apply` or `patch -p1`; empty if there are none."""
        from m2build.patches.diff import git_diff

        return git_diff(self.changes)


class Codemod(Protocol):
    """A reusable transformation: parameters in its constructor, a source tree in, a `Rewrite` out. Pure.

    A series takes frozen dataclasses of this form, whose fields are the parameters and can be written as JSON.

    Example:
        >>> @dataclass(frozen=True)
        ... class Keep:
        ...     path: str
        ...     def apply(self, tree: SourceTree) -> Rewrite:
        ...         return Rewrite(Finding.ABSENT, f"{self.path} is kept")
        >>> codemod: Codemod = Keep("app.py")
        >>> codemod.apply(SourceTree.of({})).detail
        'app.py is kept'
    """

    def apply(self, tree: SourceTree) -> Rewrite:
        """Say what this codemod does to `tree`.

        Raises:
            PatchError: a file that may be concerned does not parse.
        """
