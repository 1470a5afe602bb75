"""Switches and numbers, which Python and JSON hold for each other too easily."""

from __future__ import annotations

from pydantic import JsonValue


def is_confused(given: JsonValue, taken: object) -> bool:
    """Whether a switch was taken for a number, or a number for a switch, as pydantic does with `Literal[True]`."""
    if isinstance(given, dict) and isinstance(taken, dict):
        return any(is_confused(inner, taken.get(key)) for key, inner in given.items())
    if isinstance(given, list) and isinstance(taken, list | tuple):
        return any(is_confused(*pair) for pair in zip(given, taken, strict=False))
    both = isinstance(given, int | float) and isinstance(taken, int | float)
    return both and isinstance(given, bool) is not isinstance(taken, bool)
