"""The lines of a diff, one after the other, and what is wrong with one."""

from __future__ import annotations

from io import BytesIO
from operator import itemgetter

from m2build.errors import UsageError


class Lines:
    """A diff's lines, with a place in them.

    Attributes:
        all: the lines with their ends.
        marks: the first byte of each line.
        at: how many lines are before the present one.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self._name = name
        self.all = BytesIO(content).readlines()  # they end in a line feed, and nowhere else
        self.marks = bytes(map(itemgetter(0), self.all))
        self.at = 0

    def __bool__(self) -> bool:
        """Whether there is a present line."""
        return self.at < len(self.all)

    def peek(self, ahead: int = 0) -> bytes:
        """The present line, or a later one, with its end; empty behind the last."""
        at = self.at + ahead
        return self.all[at] if at < len(self.all) else b""

    def fault(self, problem: str, *, line: int | None = None, hint: str | None = None) -> UsageError:
        """What to raise for the present line, or another one, counted from 1."""
        return UsageError(f"{self._name}:{self.at + 1 if line is None else line}: {problem}", hint=hint)


def bare(line: bytes) -> bytes:
    """A header's line without its end, in Unix or Windows form."""
    return line.removesuffix(b"\n").removesuffix(b"\r")
