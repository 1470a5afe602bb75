"""What is known of a condition on a tree, with the places that show it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from m2build.patches.change import Mention, MentionKind
from m2build.patches.text import PythonSource

_LONGEST = 160
"""Characters of a line that is shown."""


class Verdict(Enum):
    """Whether a condition holds."""

    HOLDS = auto()
    FAILS = auto()
    OPEN = auto()
    """The code does not show it."""


@dataclass(frozen=True)
class Judgement:
    """What is known of a condition, and what shows it."""

    verdict: Verdict
    evidence: tuple[Mention, ...]


def holds(path: str, line: int | None, text: str) -> Judgement:
    """A condition holds, by a line of a file."""
    return Judgement(Verdict.HOLDS, (Mention(path, line, text[:_LONGEST], MentionKind.RELEVANT),))


def fails(path: str, text: str) -> Judgement:
    """A condition does not hold, by the whole of a file."""
    return Judgement(Verdict.FAILS, (Mention(path, None, text, MentionKind.NOT_RELEVANT),))


def is_open(path: str, line: int | None, text: str, reason: str | None = None) -> Judgement:
    """A condition cannot be decided, because of a line of a file."""
    return Judgement(Verdict.OPEN, (Mention(path, line, text[:_LONGEST], MentionKind.MAYBE_RELEVANT, reason),))


def shown(source: PythonSource, line: int) -> str:
    """A line as evidence."""
    return source.line(line).strip()
