"""What keeps a diff from being applied: each of its hunks, and the lines of the tree that are nearest to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from m2build.patches.change import Finding, Mention, MentionKind, Rewrite
from m2build.patches.diffs.model import Hunk
from m2build.patches.diffs.place import Placed, Unplaced
from m2build.patches.diffs.trying import Both, State, Tried
from m2build.patches.tree import SourceFile, SourceTree

_SHOWN = 3
"""Lines of the tree that are shown for a hunk."""
_DISTINCT = 4
"""Bytes that a line needs to have so that a hunk's place is guessed by it."""


def conflict(name: str, tried: Sequence[Both], tree: SourceTree) -> Rewrite:
    """Say of each hunk whether it applies, is there already, or is missing.

    Args:
        name: what the diff is called.
        tried: the diff of each file, of which some do not fit, or some have been applied and others not.
        tree: the tree that they were tried on.
    """
    mentions = [mention for both in tried for mention in _Told(name, both, tree).mentions()]
    counts = Counter(mention.kind for mention in mentions)
    counted = ", ".join(f"{counts[kind]} {words}" for kind, words in _WORDS.items() if counts[kind])
    odd = MentionKind.MISSING if counts[MentionKind.MISSING] else MentionKind.THERE
    first = next(mention for mention in mentions if mention.kind is odd)
    detail = f"of the changes in {name}, {counted}; the first that is {odd}: {first.path}: {first.text}"
    return Rewrite(Finding.CONFLICT, detail, mentions=tuple(mentions))


_WORDS = {MentionKind.APPLIES: "could be made", MentionKind.THERE: "are there already", MentionKind.MISSING: "cannot"}


class _Told:
    """The diff of one file, and what there is to say of it."""

    def __init__(self, name: str, both: Both, tree: SourceTree) -> None:
        self._name = name
        self._both = both
        self._diff = both.forth.diff
        self._old, self._new = self._diff.old.path or "", self._diff.new.path or ""
        self._file: SourceFile | None = tree.get(self._old)

    def mentions(self) -> Iterator[Mention]:
        """Say it."""
        forth, back = self._both.forth, self._both.back
        if not self._diff.hunks:
            yield self._whole()
        for number, hunk in enumerate(self._diff.hunks):
            where = f"the hunk at {self._name}:{hunk.line}"
            if self._both.state is State.EITHER:
                text = f"{where}: its lines before and after both stand there"
                yield Mention(self._old, None, text, MentionKind.MISSING)
            elif placed := _stands(forth, number):
                yield Mention(self._old, placed.position + 1, where, MentionKind.APPLIES)
            elif placed := _stands(back, number):
                yield Mention(self._new, placed.position + 1, where, MentionKind.THERE)
            else:
                yield Mention(self._old, None, f"{where}: {_reason(self._both, number)}", MentionKind.MISSING)
                yield from self._nearest(hunk)

    def _whole(self) -> Mention:
        where = f"what {self._name}:{self._diff.line} says of the file"
        if self._both.state is State.BEFORE:
            return Mention(self._old, None, where, MentionKind.APPLIES)
        if self._both.state is State.AFTER:
            return Mention(self._new, None, where, MentionKind.THERE)
        problem = self._both.forth.problem or "the file as it is before and afterwards are both there"
        return Mention(self._old, None, f"{where}: {problem}", MentionKind.MISSING)

    def _nearest(self, hunk: Hunk) -> Iterator[Mention]:
        """The first lines that are not the hunk's, where the file is most like it."""
        if self._file is None:
            return
        lines, wanted = self._file.content.splitlines(), hunk.old.content.splitlines()
        start = _likely(wanted, lines, hunk.old.position)
        same = 0
        while same < len(wanted) and lines[start + same : start + same + 1] == wanted[same : same + 1]:
            same += 1
        if same == len(wanted):
            return  # it stands there, and at other places
        for at in range(start + same, min(start + same + _SHOWN, len(lines))):
            text = lines[at].decode(errors="replace").strip()[:160]
            yield Mention(self._old, at + 1, text, MentionKind.NEAREST)


def _stands(tried: Tried, number: int) -> Placed | None:
    """Where a hunk stands, in a file that nothing else keeps from being changed."""
    placed = tried.hunks[number] if tried.hunks and not tried.problem else None
    return placed if isinstance(placed, Placed) else None


def _reason(both: Both, number: int) -> str:
    before, after = (tried.hunks[number] if tried.hunks else None for tried in (both.forth, both.back))
    reason = both.forth.problem or (f"its lines {before.reason}" if isinstance(before, Unplaced) else "")
    if isinstance(after, Unplaced) and after.stands:
        reason += f"; as they are afterwards, they {after.reason}"
    return reason


def _likely(wanted: list[bytes], lines: list[bytes], stated: int) -> int:
    """Where a hunk would begin: by the longest line of it that the file has, or else where the hunk says."""
    for at in sorted(range(len(wanted)), key=lambda at: len(wanted[at].strip()), reverse=True):
        found = [place - at for place, line in enumerate(lines) if line == wanted[at] and place >= at]
        if found and len(wanted[at].strip()) >= _DISTINCT:
            return min(found, key=lambda start: abs(start - stated))
    return min(stated, len(lines))
