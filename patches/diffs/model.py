"""A diff as values: what it does to each file, hunk by hunk. All content is bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """What a diff does to a file."""

    EDIT = "edit"
    WRITE = "write"
    """It fills an empty file, or a new one: without git's headers, a diff does not say which."""
    CREATE = "create"
    DELETE = "delete"
    RENAME = "rename"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Name:
    """A file's name in a diff.

    Attributes:
        written: as it is written, without its first part, such as `a/`, if parts are to be stripped.
        path: what is left when all parts are stripped that are to be; None if there are too few.
    """

    written: str
    path: str | None

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True, slots=True)
class Image:
    """The lines of a hunk on one side: before it, or after it.

    Attributes:
        start: the line that they start at, counted from 1; of no lines, the line before them.
        lines: how many there are.
        content: the lines with their ends.
    """

    start: int
    lines: int
    content: bytes

    @property
    def position(self) -> int:
        """How many lines of the file stand before these."""
        return max(0, self.start - 1) if self.lines else self.start


@dataclass(frozen=True, slots=True)
class Hunk:
    """One change of consecutive lines, with the lines around it.

    Attributes:
        line: of its `@@` in the diff, counted from 1.
        old: the lines before it.
        new: the lines after it.
        goes_on: whether unchanged lines follow its last change; without any, it belongs to the end of the file.
    """

    line: int
    old: Image
    new: Image
    goes_on: bool

    def reversed(self) -> Hunk:
        """The hunk that takes this one back."""
        return Hunk(self.line, self.new, self.old, self.goes_on)


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What a diff does to one file.

    Attributes:
        line: of its header in the diff, counted from 1.
        kind: what is done.
        old: the file's name before; that of a new file is the same as `new`.
        new: the file's name afterwards; that of a file that goes is the same as `old`.
        hunks: in the file's order.
        old_mode: the mode that it needs to have, where that matters; 0o755 or 0o644.
        new_mode: the mode that it gets; None for the one that it has.
        refusal: why no text can be made of it, such as `is binary`; None if it can.
    """

    line: int
    kind: Kind
    old: Name
    new: Name
    hunks: tuple[Hunk, ...] = ()
    old_mode: int | None = None
    new_mode: int | None = None
    refusal: str | None = None

    @property
    def paths(self) -> set[str]:
        """The paths that it is about, one or two."""
        return {name.path for name in (self.old, self.new) if name.path}

    def reversed(self) -> FileDiff:
        """The diff that takes this one back; a copy stays, and loses what was changed in it."""
        old, new = (self.new, self.new) if self.kind is Kind.COPY else (self.new, self.old)
        return replace(
            self,
            kind=_BACK.get(self.kind, self.kind),
            old=old,
            new=new,
            hunks=tuple(hunk.reversed() for hunk in self.hunks),
            old_mode=self.new_mode,
            new_mode=self.old_mode,
        )


Step = tuple[FileDiff, ...]
"""Diffs that all start from the same tree: those of one commit. No file is in two of them."""
_BACK = {Kind.CREATE: Kind.DELETE, Kind.DELETE: Kind.CREATE, Kind.COPY: Kind.EDIT}
