"""Plain scalars of YAML: only those that YAML 1.1 and 1.2 read alike have a value."""

from __future__ import annotations

import math
import re

_AGREED = {
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*)"),
    "float": re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "null": re.compile(r"null|Null|NULL|~|"),
}
"""`010` is 8 in YAML 1.1 and 10 in 1.2, `1:20` is 80 or text, `on` is true or text. Which one the author meant is
unknown, and the value would end up on a command line."""
_LONGEST_NUMBER = 4_000
"""Digits: Python, which reads the server's command line, takes 4,300 at most (sys.int_info.default_max_str_digits)."""

Scalar = str | bool | int | float | None


def scalar(kind: str, text: str) -> Scalar:
    """The value of a scalar.

    Args:
        kind: its type for PyYAML, the last part of its tag.
        text: as it is written.

    Raises:
        KeyError: a document may not contain scalars of that kind.
        ValueError: it is ambiguous, a number of thousands of digits, or beyond the largest float.
    """
    if kind in ("str", "timestamp", "value"):
        return text
    if not _AGREED[kind].fullmatch(text):
        raise ValueError(text)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(text)
    if kind == "int":
        return int(text)
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number
