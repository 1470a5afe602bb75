"""What must not be repeated from another program's output: credentials, build arguments, secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping

_HIDDEN = "***"
_PATTERNS = (
    (re.compile(r"(?<=://)[^\s/@]+(?=@)"), _HIDDEN),
    (re.compile(r"(?i)(\b(?:bearer|basic)\s+)[a-z0-9+/_.~=-]{8,}"), rf"\1{_HIDDEN}"),
    (re.compile(r"((?:--build-arg|--secret)[ =]|\bbuild-arg:)(\w+)=(?:\"[^\"]*\"|'[^']*'|\S+)"), rf"\1\2={_HIDDEN}"),
)
_CLASSIC_ARGUMENTS = re.compile(r"(\|\d+ )(.*?)( /bin/)")
"""How the classic builder and history entries show a RUN's build arguments: `|2 A=x B=y /bin/sh -c …`."""
_SECRET_NAME = re.compile(r"(?i)(token|password|passwd|secret|credentials?|(api|access|private)_?key)$")
_SHORTEST = 6
"""Characters; a shorter value would match too many words by chance."""


def is_secret_name(name: str) -> bool:
    """Whether a variable or a setting of this name holds a secret, such as `HF_TOKEN` or `api_key`."""
    return _SECRET_NAME.search(name) is not None


def redacted(text: str, environment: Mapping[str, str]) -> str:
    """A text without secrets: credentials in URLs and headers, the values of build arguments and secrets, and those of
    environment variables with a secret's name, such as `HF_TOKEN`.
    """
    for name, value in environment.items():
        if len(value) >= _SHORTEST and is_secret_name(name):
            text = text.replace(value, _HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return _CLASSIC_ARGUMENTS.sub(lambda match: f"{match[1]}{_named(match[2])}{match[3]}", text)


def _named(arguments: str) -> str:
    return re.sub(r"(\w+)=.*?(?= \w+=|$)", rf"\1={_HIDDEN}", arguments)
