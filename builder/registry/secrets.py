"""What must not appear in messages: passwords, tokens, and the headers made from them."""

from __future__ import annotations

import traceback
from urllib.parse import quote

_HIDDEN = "***"


class Secrets:
    """The secrets of one command, as they become known. Thread-safe."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, *values: str | None) -> None:
        """Remember secrets, plain and URL-encoded."""
        for value in filter(None, values):
            self._values = self._values | {value, quote(value, safe="")}

    def hidden(self, text: str) -> str:
        """A text with the secrets replaced."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, _HIDDEN)
        return text

    def absent_from(self, error: BaseException) -> bool:
        """Whether the traceback of an exception and its causes shows none of them."""
        text = "".join(traceback.format_exception(error))
        return self.hidden(text) == text
