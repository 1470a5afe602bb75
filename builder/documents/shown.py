"""User input in messages: whole if it is short, and shortened otherwise; and whether it is text at all."""

from __future__ import annotations

import re

from m2build.errors import UsageError

_SURROGATE = re.compile("[\ud800-\udfff]")

SHOWN = 60
"""Characters of a key or a value in a message: enough to find it, and short enough to read."""


def shortened(text: str, limit: int = SHOWN) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def shown(text: str, limit: int = SHOWN) -> str:
    """The text in quotes, shortened."""
    return repr(shortened(text, limit))


def is_utf8(text: str) -> bool:
    """Whether a text can be written as UTF-8: it holds no half of a surrogate pair."""
    return _SURROGATE.search(text) is None


def check_text(text: str, where: str = "") -> None:
    """Check that input can be written as UTF-8.

    Bytes of arguments, variables and file names that are not UTF-8 are lone surrogates in Python (PEP 383).

    Raises:
        UsageError: it holds such a byte; the message begins with `where`.
    """
    if not is_utf8(text):
        raise UsageError(f"{where}{shown(text)} is not UTF-8 text", hint="write it in UTF-8")
