"""What turns the words of a command line into values: Python's own types, and known functions of SGLang."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

Converter = Callable[[str], object]

_UNITS = {
    unit: base**power
    for base, units in ((1000, ("k", "M", "G", "T")), (1024, ("Ki", "Mi", "Gi", "Ti")))
    for power, unit in enumerate(units, 1)
}
_WITH_UNIT = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(sorted(_UNITS, key=len, reverse=True))})")


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _strict_json(text: str) -> object:
    """What orjson accepts: no NaN and no infinity."""
    try:
        return json.loads(text, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refused(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def _nullable(text: str) -> object:
    return text if text not in ("", "None") else None


def _with_unit(text: str) -> object:
    """A whole number, or one with a unit: `32k` is 32000 and `32Ki` 32768.

    >>> _with_unit("25.6k"), _with_unit("1Ki"), _with_unit("-1")
    (25600, 1024, -1)
    """
    match = _WITH_UNIT.fullmatch(text.strip())
    if match is None:
        return int(text)
    number, unit = match.groups()
    if "." in number and unit.endswith("i"):
        raise ValueError(f"{unit} works with whole numbers only")
    return int(Decimal(number) * _UNITS[unit])


@dataclass(frozen=True)
class _Known:
    """A function of the server that is repeated here.

    Attributes:
        fingerprint: of its one known version.
        convert: does what it does.
        what: what it takes, for messages.
    """

    fingerprint: str
    convert: Converter
    what: str


KNOWN: Mapping[str, _Known] = {
    "nullable_str": _Known("f8ec8a5e2152c0bc", _nullable, "text"),
    "json_list_type": _Known("b1ef6bd80f0bcc2f", _strict_json, "JSON"),
    "human_readable_int": _Known("8731dd2d37cf20af", _with_unit, "a whole number, as 32768, 32k or 32Ki"),
}
"""The functions of SGLang 0.5.7 to 0.5.23 (sglang/srt/utils/common.py) that convert values."""

BUILT_IN: Mapping[str, tuple[Converter, str]] = {
    "str": (str, "text"),
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "json.loads": (_json, "JSON"),
}
"""Python's own types, and what they take."""
