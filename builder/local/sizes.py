"""Sizes as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)([kmgt]i?)?b?", re.IGNORECASE | re.ASCII)
_UNITS: Mapping[str, int] = {"": 1} | {
    f"{prefix}{binary}": (1024 if binary else 1000) ** power
    for power, prefix in enumerate("kmgt", start=1)
    for binary in ("", "i")
}


def parse_size(text: str) -> int | None:
    """A number of bytes; None if the text is not one.

    Example:
        >>> [parse_size(text) for text in ("256MiB", "20GB", "1.5k", "7", "much")]
        [268435456, 20000000000, 1500, 7, None]
    """
    match = _SIZE.fullmatch(text)
    return int(float(match[1]) * _UNITS[(match[2] or "").lower()]) if match else None
