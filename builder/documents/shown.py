"""User input in messages: whole if it is short, and shortened otherwise."""

from __future__ import annotations

SHOWN = 60
"""Characters of a key or a value in a message: enough to find it, and short enough to read."""


def shortened(text: str, limit: int = SHOWN) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def shown(text: str, limit: int = SHOWN) -> str:
    """The text in quotes, shortened."""
    return repr(shortened(text, limit))
