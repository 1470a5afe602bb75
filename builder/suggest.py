"""The nearest valid name for a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `word`, or None if none is close."""
    import difflib

    return next(iter(difflib.get_close_matches(word, list(candidates), n=1, cutoff=0.5)), None)


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`word` in quotes, followed by the question whether its nearest candidate was meant."""
    guess = nearest(word, candidates)
    return f"{word!r}" + (f"; did you mean {guess!r}?" if guess else "")
