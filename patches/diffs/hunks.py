"""The hunks of a unified diff."""

from __future__ import annotations

import re
from itertools import compress

from m2build.errors import UsageError
from m2build.patches.diffs.lines import Lines
from m2build.patches.diffs.model import Hunk, Image

START = b"@@ -"
HEADER = re.compile(rb"@@ -(\d{1,20})(?:,(\d{1,20}))? \+(\d{1,20})(?:,(\d{1,20}))? @@")
_CONTEXT = (b" ", b"\n")
"""What unchanged lines begin with: some editors take the space from an empty one."""
_NOTE = b"\\"
_FOREIGN = re.compile(rb"[^ \n+\-\\]")
_SIDES = tuple(bytes(mark in side for mark in range(256)) for side in (b" \n-", b" \n+"))
"""Whether a line with a mark belongs to the side before, and to the side after."""
_SHORTEST_NOTE = 12
"""Bytes of `\\ No newline at end of file` in any language, as git takes it."""


def read_hunks(lines: Lines) -> tuple[Hunk, ...]:
    """Read the hunks that begin at the present line, up to what follows them.

    Raises:
        UsageError: one is malformed, or has other lines than it says.
    """
    found: list[Hunk] = []
    while lines.peek().startswith(START):
        hunk = _Reading(lines).hunk()
        if found and hunk.old.position < found[-1].old.position + found[-1].old.lines:
            raise lines.fault("this hunk begins before the end of the one above it", line=hunk.line)
        found.append(hunk)
    if found:
        _check_end(lines, found[-1])
    return tuple(found)


class _Reading:
    """One hunk, while it is read: its lines all at once, by the marks that they begin with."""

    def __init__(self, lines: Lines) -> None:
        header = HEADER.match(lines.peek())
        if header is None:
            raise lines.fault("a hunk's header is malformed", hint="it is like `@@ -12,7 +12,9 @@`")
        lines.at += 1
        self._lines = lines
        self._line = lines.at
        self._starts = int(header[1]), int(header[3])
        self._counts = tuple(1 if count is None else int(count) for count in (header[2], header[4]))

    def hunk(self) -> Hunk:
        """Read it."""
        lines = self._lines
        start, lines.at = lines.at, self._end()
        body, marks = lines.all[start : lines.at], lines.marks[start : lines.at]
        if _NOTE in marks:
            self._end_without_line_feed(body, start)
        sides = [
            [line if line == b"\n" else line[1:] for line in compress(body, marks.translate(side))] for side in _SIDES
        ]
        if tuple(map(len, sides)) != self._counts:
            raise self._cut_short(lines.at)
        if b"+" not in marks and b"-" not in marks:
            raise lines.fault("this hunk changes nothing", line=self._line)
        if _NOTE in marks and not all(line.endswith(b"\n") for side in sides for line in side[:-1]):
            raise lines.fault("a line follows the one that ends the file", line=self._line)
        old, new = (Image(first, len(side), b"".join(side)) for first, side in zip(self._starts, sides, strict=True))
        return Hunk(self._line, old, new, goes_on=marks.rstrip(_NOTE).endswith(_CONTEXT))

    def _end(self) -> int:
        """Where the lines end of which the header says how many there are, and a note to the last of them."""
        marks, end = self._lines.marks, self._lines.at
        foreign = _FOREIGN.search(marks, end)
        limit = foreign.start() if foreign else len(marks) - (not self._lines.all[-1].endswith(b"\n"))
        while (missing := max(self._missing(end))) > 0:  # each line adds no more than one to a side
            end += missing
            if end > limit:
                raise self._cut_short(limit)
        return end + marks.startswith(_NOTE, end)

    def _missing(self, end: int) -> tuple[int, int]:
        """How many lines each side lacks, if the hunk ends there."""
        marks = self._lines.marks[self._line : end]
        both = len(marks) - marks.count(_NOTE)
        return self._counts[0] - both + marks.count(b"+"), self._counts[1] - both + marks.count(b"-")

    def _end_without_line_feed(self, body: list[bytes], start: int) -> None:
        r"""Take the line feed from each line before a `\ No newline at end of file`, which ends its side."""
        for number, note in enumerate(body):
            if not note.startswith(_NOTE):
                continue
            line = self._lines.all[start + number - 1]
            if len(note) < _SHORTEST_NOTE or not note.startswith(b"\\ ") or not line.startswith((b" ", b"-", b"+")):
                raise self._lines.fault("this line means nothing in a hunk", line=start + number + 1)
            body[number - 1] = line.removesuffix(b"\n")

    def _cut_short(self, end: int) -> UsageError:
        (old, new), (less_old, less_new) = self._counts, self._missing(end)
        return self._lines.fault(
            f"the hunk is to have {old} lines before and {new} after it, and ends at line {end + 1} with "
            f"{old - less_old} and {new - less_new}",
            line=self._line,
            hint="is the diff truncated, edited by hand, or pasted with other line ends?",
        )


def _check_end(lines: Lines, last: Hunk) -> None:
    """Hold the last hunk to its counts: what git and GNU patch skip behind it in silence would be lost."""
    ahead = 0
    while lines.peek(ahead).strip() == b"" and lines.peek(ahead):
        ahead += 1
    line = lines.peek(ahead)
    is_header = line.startswith(b"--- ") and lines.peek(ahead + 1).startswith(b"+++ ")
    is_signature = line.rstrip() == b"--"
    if line.startswith((b" ", b"+", b"-", b"\\")) and not is_header and not is_signature:
        raise lines.fault(
            f"the hunk ends before line {lines.at + ahead + 1} by its header, which goes on like a part of it",
            line=last.line,
            hint="was the diff edited by hand? Its counts have to be those of its lines",
        )
