"""What no message may hold: passwords, tokens, and the headers that are made of them."""

from __future__ import annotations

import traceback
from urllib.parse import quote

_HIDDEN = "***"


class Secrets:
    """The secrets of one command, as they become known; used from several threads."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, *values: str | None) -> None:
        """Remember secrets, as they are and as an address would hold them."""
        for value in filter(None, values):
            self._values = self._values | {value, quote(value, safe="")}

    def hidden(self, text: str) -> str:
        """A text without them."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, _HIDDEN)
        return text

    def spared_by(self, error: BaseException) -> bool:
        """Whether an exception, and what led to it, shows none of them in a traceback."""
        text = "".join(traceback.format_exception(error))
        return self.hidden(text) == text
