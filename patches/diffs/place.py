"""Where the hunks of a diff stand in a file: exactly, with no line of theirs left out of account.

The rules are those of `git apply` without its options, save that it takes the nearest of several places.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from itertools import accumulate

from m2build.patches.diffs.model import Hunk, Image

MOST_PLACES = 100
"""Places at which a hunk is looked for; with more of them it belongs to none of them surely."""

MANY_HUNKS = 64
"""Hunks of one file for which it is worth while to index its lines."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A hunk that stands in a file.

    Attributes:
        hunk: the hunk.
        start: where its lines begin, in bytes.
        position: how many lines of the file stand before them.
    """

    hunk: Hunk
    start: int
    position: int

    @property
    def end(self) -> int:
        """Where its lines end, in bytes."""
        return self.start + len(self.hunk.old.content)

    @property
    def end_position(self) -> int:
        """How many lines of the file stand before their end."""
        return self.position + self.hunk.old.lines

    @property
    def offset(self) -> int:
        """How many lines further down it stands than it says."""
        return self.position - self.hunk.old.position


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A hunk that does not stand in a file, or not at one place only.

    Attributes:
        hunk: the hunk.
        reason: what is wrong with its lines, such as `are not there`.
        stands: whether they stand somewhere at least.
    """

    hunk: Hunk
    reason: str
    stands: bool = False


class Text:
    """A file's bytes, in which lines can be found."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins, and then the end."""
        return [0, *accumulate(map(len, BytesIO(self.content).readlines()))]

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self._starts) - 1

    def start_of(self, position: int) -> int | None:
        """Where the line begins that has so many lines before it, or the end; None if there are fewer."""
        return self._starts[position] if 0 <= position < len(self._starts) else None

    def holds(self, image: Image, start: int) -> bool:
        """Whether lines stand where a line begins."""
        end = start + len(image.content)
        return self.content.startswith(image.content, start) and (
            image.content.endswith(b"\n") or end == len(self.content)
        )

    def places(self, image: Image, below: Placed | None = None) -> Iterator[tuple[int, int]]:
        """Where lines stand, perhaps only below a hunk: how many lines are before them, and the byte."""
        position, at = (below.end_position, below.end) if below else (0, 0)
        while (found := self.content.find(image.content, at)) >= 0:
            position, at = position + self.content.count(b"\n", at, found), found
            if (at == 0 or self.content[at - 1] == 0x0A) and self.holds(image, at):
                yield position, at
            following = self.content.find(b"\n", at) + 1
            if not following:
                return
            position, at = position + 1, following


class IndexedText(Text):
    """The same for many hunks: the file is read through once, and not for each of them."""

    @cached_property
    def _positions(self) -> dict[bytes, list[int]]:
        """Where each line stands, by how many lines are before it."""
        found: dict[bytes, list[int]] = {}
        for position, line in enumerate(BytesIO(self.content).readlines()):
            found.setdefault(line, []).append(position)
        return found

    def places(self, image: Image, below: Placed | None = None) -> Iterator[tuple[int, int]]:
        """Where lines stand, looked for by the one that the file has least often."""
        lines = BytesIO(image.content).readlines()
        found, ahead = min(
            ((self._positions.get(line, []), ahead) for ahead, line in enumerate(lines)), key=lambda pair: len(pair[0])
        )
        for place in found[bisect_left(found, ahead + (below.end_position if below else 0)) :]:
            at = self._starts[place - ahead]
            if self.holds(image, at):
                yield place - ahead, at


def place(content: bytes, hunks: Sequence[Hunk]) -> tuple[Placed | Unplaced, ...]:
    """Find where each hunk of a file stands."""
    return _Placing(IndexedText(content) if len(hunks) > MANY_HUNKS else Text(content)).all(hunks)


def apply(content: bytes, hunks: Sequence[Placed]) -> bytes:
    """The file with hunks that stand in it, in order and apart, applied."""
    pieces, end = [], 0
    for placed in hunks:
        pieces += [content[end : placed.start], placed.hunk.new.content]
        end = placed.end
    return b"".join([*pieces, content[end:]])


class _Placing:
    """The hunks of one file, from the first one on."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._taken: list[Placed] = []
        self._growth = 0

    def all(self, hunks: Sequence[Hunk]) -> tuple[Placed | Unplaced, ...]:
        """Place them."""
        found = []
        for hunk in hunks:
            placed = self._place(hunk)
            if isinstance(placed, Placed):
                self._taken.append(placed)
            self._growth += hunk.new.lines - hunk.old.lines
            found.append(placed)
        return tuple(found)

    def _place(self, hunk: Hunk) -> Placed | Unplaced:
        if not hunk.old.content or hunk.old.start <= 1 or not hunk.goes_on:
            return self._at_an_end(hunk)
        offset = self._above.offset if self._above else 0
        expected = hunk.old.position + offset
        stated = hunk.new.position - self._growth
        first = next(self._text.places(hunk.old, self._above), None)
        if first and first[0] == expected == stated:
            return Placed(hunk, first[1], expected)
        if first is None and not self._taken:
            return Unplaced(hunk, "are not there")
        return self._elsewhere(hunk, expected, stated)

    @property
    def _above(self) -> Placed | None:
        """The hunk above, if there is one."""
        return self._taken[-1] if self._taken else None

    @property
    def _floor(self) -> int:
        """Where the hunk above ends, in bytes."""
        return self._above.end if self._above else 0

    def _at_an_end(self, hunk: Hunk) -> Placed | Unplaced:
        """Place a hunk that belongs to the beginning of the file, to its end, or to both."""
        text, old = self._text, hunk.old
        at_start, at_end = old.start <= 1, not hunk.goes_on
        start = 0 if at_start else len(text.content) - len(old.content)
        begins = start == 0 or (start > 0 and text.content[start - 1] == 0x0A)
        ends = start + len(old.content) == len(text.content) or not at_end
        position = text.content.count(b"\n", 0, max(0, start))
        if not old.content and text.content and not (begins and position == old.position):
            return Unplaced(hunk, "are all new, without any around them, and the file does not end where it says")
        if not (begins and ends and start >= self._floor and text.holds(old, start)):
            where = "beginning and end" if at_start and at_end else "beginning" if at_start else "end"
            return Unplaced(hunk, f"are not the {where} of the file, where they belong")
        return Placed(hunk, start, position)

    def _elsewhere(self, hunk: Hunk, expected: int, stated: int) -> Placed | Unplaced:
        """Place a hunk that does not stand first where it is expected."""
        found: list[tuple[int, int]] = []
        for place in self._text.places(hunk.old):
            if self._is_free(place[1], len(hunk.old.content)):
                found.append(place)
            if len(found) > MOST_PLACES:
                return Unplaced(hunk, f"stand at more than {MOST_PLACES} places", stands=True)
        if not found:
            return Unplaced(hunk, "are not there")
        near = [place for place in found if abs(place[0] - stated) <= abs(expected - stated)]
        chosen = near if any(place[0] == expected for place in near) else found
        if len(chosen) > 1:
            lines = ", ".join(str(position + 1) for position, _ in chosen[:10])
            return Unplaced(hunk, f"stand at several places, at the lines {lines}", stands=True)
        ((position, start),) = chosen
        if start < self._floor:
            return Unplaced(hunk, f"stand at line {position + 1} only, above the hunk before it", stands=True)
        return Placed(hunk, start, position)

    def _is_free(self, start: int, size: int) -> bool:
        """Whether no hunk before, of which each stands below the one before it, has these bytes."""
        below = bisect_right(self._taken, start, key=lambda taken: taken.end)
        return below == len(self._taken) or start + size <= self._taken[below].start
