"""Two versions of a text side by side, with marks on the words that differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from m2build.patches.change import FileChange
    from m2build.patches.tree import SourceFile

_CONTEXT = 3
"""Equal lines around a change, as in a unified diff."""
_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_MOST_WORDS = 400
"""Words of a line that are compared one by one; a longer line is marked as a whole."""
_ALIKE = 0.3
"""How alike two lines are at least, from 0 to 1, so that marks on single words help."""
_MANY = 4_000_000
"""Pairs of lines beyond which difflib may leave out frequent lines, and takes linear time."""


@dataclass(frozen=True)
class Piece:
    """A part of a line.

    Attributes:
        text: its text.
        is_marked: whether the other side does not have it.
    """

    text: str
    is_marked: bool = False


@dataclass(frozen=True)
class Side:
    """A line of one version.

    Attributes:
        number: which line it is, from 1.
        pieces: its text.
    """

    number: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Row:
    """A line of both versions; a side without one is None.

    Attributes:
        before: the line before.
        after: the line after.
    """

    before: Side | None
    after: Side | None

    @property
    def is_changed(self) -> bool:
        """Whether the sides differ."""
        sides = (self.before, self.after)
        return None in sides or any(piece.is_marked for side in sides if side for piece in side.pieces)


@dataclass(frozen=True)
class ShownChange:
    """A file's change for a page.

    Attributes:
        title: its path, or both of them.
        before: its digest and size before, or None.
        after: its digest and size after, or None.
        hunks: the rows that differ, with those around them; empty if the bytes are equal.
        is_text: whether there are rows to show at all.
    """

    title: str
    before: SourceFile | None
    after: SourceFile | None
    hunks: tuple[tuple[Row, ...], ...]
    is_text: bool


def shown_change(change: FileChange) -> ShownChange:
    """A file's change, side by side. Bytes that are not UTF-8 are shown as escapes; binary files are not shown."""
    contents = [file.content if file else b"" for file in (change.before, change.after)]
    is_text = not any(b"\0" in content for content in contents)
    texts = [content.decode(errors="backslashreplace") for content in contents]
    hunks = tuple(rows_of(*texts)) if is_text else ()
    return ShownChange(str(change), change.before, change.after, hunks, is_text)


def rows_of(before: str, after: str) -> Iterator[tuple[Row, ...]]:
    r"""The hunks of two texts: rows of lines that belong together.

    >>> [[row]] = rows_of("x = f(1)\n", "x = f(2)\n")
    >>> [(piece.text, piece.is_marked) for piece in row.after.pieces]
    [('x = f(', False), ('2', True), (')', False)]
    """
    old, new = _lines(before), _lines(after)
    matcher = SequenceMatcher(None, old, new, autojunk=len(old) * len(new) > _MANY)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        yield tuple(row for code in group for row in _rows(code, old, new))


def _lines(text: str) -> list[str]:
    """The lines as editors and diffs number them; the last one says if its line break is missing."""
    lines = text.split("\n")
    if not lines[-1]:
        return lines[:-1]
    return [*lines[:-1], f"{lines[-1]} (no line break at the end)"]


def _rows(code: tuple[str, int, int, int, int], old: Sequence[str], new: Sequence[str]) -> Iterator[Row]:
    kind, start, end, new_start, new_end = code
    pairs = zip_longest(range(start, end), range(new_start, new_end))
    for left, right in pairs:
        if kind == "equal":
            yield Row(Side(left + 1, (Piece(old[left]),)), Side(right + 1, (Piece(new[right]),)))
        elif left is None or right is None:
            yield Row(_whole(left, old), _whole(right, new))
        else:
            marked = _marked(old[left], new[right])
            yield Row(Side(left + 1, marked[0]), Side(right + 1, marked[1]))


def _whole(at: int | None, lines: Sequence[str]) -> Side | None:
    return None if at is None else Side(at + 1, (Piece(lines[at], is_marked=True),))


def _marked(before: str, after: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both lines in pieces; those that differ are marked."""
    words = _WORD.findall(before), _WORD.findall(after)
    matcher = SequenceMatcher(None, *words, autojunk=False)
    if max(map(len, words)) > _MOST_WORDS or matcher.ratio() < _ALIKE:
        return (Piece(before, is_marked=True),), (Piece(after, is_marked=True),)
    left, right = list[Piece](), list[Piece]()
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        is_marked = kind != "equal"
        left += [Piece("".join(words[0][start:end]), is_marked)] * (end > start)
        right += [Piece("".join(words[1][new_start:new_end]), is_marked)] * (new_end > new_start)
    return tuple(left), tuple(right)
