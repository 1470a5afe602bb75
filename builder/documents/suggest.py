"""The nearest valid name for a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable

from m2build.documents.shown import shown

_LONGEST = 100
"""Characters: a longer word is not a mistyped name, and comparing two long texts takes quadratic time."""


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `word`, or None if none is close."""
    import difflib

    if len(word) > _LONGEST:
        return None
    names = [name for name in candidates if len(name) <= _LONGEST]
    return next(iter(difflib.get_close_matches(word, names, n=1, cutoff=0.5)), None)


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`word` in quotes, followed by "did you mean" with its nearest candidate, if there is one."""
    guess = nearest(word, candidates)
    return shown(word) + (f"; did you mean {shown(guess)}?" if guess else "")
