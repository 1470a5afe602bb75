"""The hunks of a unified diff."""

from __future__ import annotations

import re

from m2build.patches.diffs.lines import Lines
from m2build.patches.diffs.model import Hunk, Image

START = b"@@ -"
HEADER = re.compile(rb"@@ -(\d{1,20})(?:,(\d{1,20}))? \+(\d{1,20})(?:,(\d{1,20}))? @@")
_CONTEXT = (b" ", b"\n")
"""What unchanged lines begin with: some editors take the space from an empty one."""
_MARKS = (*_CONTEXT, b"+", b"-", b"\\")
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
    """One hunk, while it is read."""

    def __init__(self, lines: Lines) -> None:
        header = HEADER.match(lines.peek())
        if header is None:
            raise lines.fault("a hunk's header is malformed", hint="it is like `@@ -12,7 +12,9 @@`")
        self._lines = lines
        self._line = lines.at + 1
        self._starts = int(header[1]), int(header[3])
        self._counts = tuple(1 if count is None else int(count) for count in (header[2], header[4]))
        self._old: list[bytes] = []
        self._new: list[bytes] = []
        self._goes_on = False

    def hunk(self) -> Hunk:
        """Read it."""
        lines, before, after = self._lines, self._old, self._new
        lines.at += 1
        marks = self._read_body()
        if lines.peek().startswith(b"\\"):
            lines.at += 1
            self._end_without_line_feed(lines.peek(-1))
        if (len(before), len(after)) != self._counts:
            raise self._cut_short()
        if not marks & {b"-", b"+"}:
            raise lines.fault("this hunk changes nothing", line=self._line)
        old, new = self._image(self._starts[0], before), self._image(self._starts[1], after)
        return Hunk(self._line, old, new, goes_on=self._goes_on)

    def _read_body(self) -> set[bytes]:
        """Read as many lines as the header says; returns the marks that they begin with."""
        lines, (old, new), before, after = self._lines, self._counts, self._old, self._new
        marks = set()
        while len(before) < old or len(after) < new:
            line = lines.peek()
            mark = line[:1]
            if mark not in _MARKS or not line.endswith(b"\n"):
                raise self._cut_short()
            marks.add(mark)
            lines.at += 1
            if mark == b"\\":
                self._end_without_line_feed(line)
                continue
            if mark != b"+":
                before.append(line[1:] or line)
            if mark != b"-":
                after.append(line[1:] or line)
            self._goes_on = mark in _CONTEXT
        return marks

    def _end_without_line_feed(self, note: bytes) -> None:
        r"""Take the line feed from the line before `\ No newline at end of file`, which ends its side."""
        mark = self._lines.peek(-2)[:1]
        if len(note) < _SHORTEST_NOTE or not note.startswith(b"\\ ") or mark not in (b" ", b"-", b"+"):
            raise self._lines.fault("this line means nothing in a hunk", line=self._lines.at)
        for side in [self._old] if mark == b"-" else [self._new] if mark == b"+" else [self._old, self._new]:
            side[-1] = side[-1].removesuffix(b"\n")

    def _image(self, start: int, side: list[bytes]) -> Image:
        content = b"".join(side)
        if not all(line.endswith(b"\n") for line in side[:-1]):
            raise self._lines.fault("a line stands behind the one that ends the file", line=self._line)
        return Image(start, len(side), content)

    def _cut_short(self) -> Exception:
        old, new = self._counts
        return self._lines.fault(
            f"the hunk is to have {old} lines before and {new} after it, and ends at line {self._lines.at + 1} with "
            f"{len(self._old)} and {len(self._new)}",
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
