"""`WWW-Authenticate`: what a registry asks for (RFC 9110, section 11.6.1; distribution specification, token.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PARAMETER = re.compile(r'([A-Za-z0-9!#$%&\'*+.^_`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*,?\s*')
_SCHEME = re.compile(r"[\s,]*([A-Za-z0-9-]+)(?:\s+|(?=,)|$)")


@dataclass(frozen=True)
class Challenge:
    """One challenge.

    Attributes:
        scheme: in lower case: `basic`, `bearer`.
        parameters: the values as sent, the names in lower case.
    """

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """The challenges of a header, up to the first malformed one."""
    found: list[Challenge] = []
    position = 0
    while scheme := _SCHEME.match(header, position):
        position = scheme.end()
        parameters: dict[str, str] = {}
        while match := _PARAMETER.match(header, position):
            quoted, bare = match[2], match[3]
            parameters[match[1].lower()] = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            position = match.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return found
