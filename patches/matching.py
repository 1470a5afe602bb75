"""The longest common runs of two files' lines: `difflib`'s very answers, found without looking at every line."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import compress, count
from operator import ne


class LineMatcher(difflib.SequenceMatcher[bytes]):
    """A `difflib.SequenceMatcher` without junk, with the same answers; some ten times as fast on edited sources.

    A run that is longer than the longest one so far, of `size` lines, holds one of any `size + 1` lines in a row. So
    only every `size + 1`th line is looked up, and the run around it measured.

    Example:
        >>> LineMatcher([b"a", b"b", b"c"], [b"b", b"c", b"a"]).find_longest_match()
        Match(a=1, b=0, size=2)
    """

    a: Sequence[bytes]
    b: Sequence[bytes]
    b2j: dict[bytes, list[int]]
    """Where each line is in `b`, in ascending order."""

    def __init__(self, before: Sequence[bytes], after: Sequence[bytes]) -> None:
        super().__init__(None, before, after, autojunk=False)

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> difflib.Match:
        """The longest common run in `a[alo:ahi]` and `b[blo:bhi]`; of several, the first in `a`, then the first in `b`.

        Where there is none, one of size 0 at the start of both.
        """
        a, b = self.a, self.b
        ahi, bhi = len(a) if ahi is None else ahi, len(b) if bhi is None else bhi
        best_a, best_b, size, line = alo, blo, 0, alo
        while line < ahi:
            places = self.b2j.get(a[line], [])
            for place in places[bisect_left(places, blo) : bisect_left(places, bhi)]:
                start, start_b, end = line, place, line + 1
                if start > alo and start_b > blo and a[start - 1] == b[start_b - 1]:
                    above = common(reversed(a[alo:start]), reversed(b[blo:start_b]), min(start - alo, start_b - blo))
                    start, start_b = start - above, start_b - above
                end_b = place + 1
                if end < ahi and end_b < bhi and a[end] == b[end_b]:
                    end += common(a[end:ahi], b[end_b:bhi], min(ahi - end, bhi - end_b))
                if (end - start, best_a, best_b) > (size, start, start_b):
                    best_a, best_b, size = start, start_b, end - start
            line += size + 1
        return difflib.Match(best_a, best_b, size)


def common(one: Iterable[bytes], other: Iterable[bytes], most: int) -> int:
    """How many lines two sequences have in common at their beginning, if the shorter one has `most`."""
    return next(compress(count(), map(ne, one, other)), most)
