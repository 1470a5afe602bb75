"""The names of files in the headers of diffs, as git and GNU diff write them."""

from __future__ import annotations

import re

_SIMPLE = {
    b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r", b'"': b'"', b"\\": b"\\",
}  # fmt: skip
_QUOTED = re.compile(rb'"((?:[^"\\]|\\(?:[abtnvfr"\\]|[0-3][0-7]{2}))*)"')
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2}|.)", re.DOTALL)
_TIME = rb"\d{2,4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d+)?(?: ?[-+]\d{2}:?\d{2})?"
_STAMPED = re.compile(rb"(.+?)\s+" + _TIME)
_EPOCH = re.compile(rb".*\t(1970-01-01|1969-12-31) (\d{2}):(\d{2}):00(?:\.0+)? ([-+])(\d{2}):?(\d{2})", re.DOTALL)


def named(field: bytes) -> bytes:
    """The name in what follows `--- ` or `+++ `: in quotes, or up to a tab."""
    quoted = _QUOTED.match(field)
    return _unescaped(quoted[1]) if quoted else field.partition(b"\t")[0]


def undated(field: bytes) -> bytes:
    """The same where no header of git stands before it: a time stamp may follow the name after spaces, too."""
    is_plain = not field.startswith(b'"') and b"\t" not in field
    stamped = _STAMPED.fullmatch(field) if is_plain else None
    return stamped[1] if stamped else named(field)


def whole(field: bytes) -> bytes:
    """The name that is all of a header's line, as after `rename from `."""
    quoted = _QUOTED.fullmatch(field)
    return _unescaped(quoted[1]) if quoted else field


def twice(field: bytes, strip: int) -> bytes | None:
    """The name in what follows `diff --git `, where it stands twice; None if it cannot be told.

    Names with spaces are not quoted there: what is looked for is one space between two names that are the same without
    their first parts.
    """
    for first, second in _halves(field):
        one, other = first.split(b"/", strip), second.split(b"/", strip)
        if len(one) == len(other) == strip + 1 and one[-1] == other[-1] != b"":
            return first
    return None


def is_null(field: bytes) -> bool:
    """Whether what follows `--- ` or `+++ ` stands for no file."""
    return re.match(rb"/dev/null(?:\s|$)", field) is not None


def is_epoch(field: bytes) -> bool:
    """Whether it has the time 0, with which `diff -N` marks a file that is not there."""
    match = _EPOCH.fullmatch(field)
    if match is None:
        return False
    minutes = 60 * int(match[2]) + int(match[3])
    zone = (60 * int(match[5]) + int(match[6])) * (-1 if match[4] == b"-" else 1)
    return minutes - zone == (0 if match[1] == b"1970-01-01" else 24 * 60)


def _halves(field: bytes) -> list[tuple[bytes, bytes]]:
    quoted = _QUOTED.match(field)
    if quoted:
        return [(_unescaped(quoted[1]), whole(field[quoted.end() :].removeprefix(b" ").removesuffix(b"\r")))]
    if field.endswith(b'"') and b' "' in field:
        first, _, second = field.partition(b' "')
        return [(first, whole(b'"' + second))]
    spaces = [at for at, byte in enumerate(field) if byte == 0x20]
    return [(field[:at], field[at + 1 :]) for at in spaces]


def _unescaped(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda match: _SIMPLE.get(match[1]) or bytes([int(match[1], 8)]), text)
