"""Text of others in Markdown (CommonMark with GitHub's tables)."""

from __future__ import annotations

import re

from m2build.local.printable import printable

_MENTION = re.compile(r"(?<!\w)@(?=\w)")
"""An `@` that GitHub and GitLab read as a mention, and notify a person of. A backslash does not prevent that; a
zero-width space after it does."""


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line, also in a table's cell; what cannot be seen as an escape."""
    marks = (f"\\{mark}" if mark in "\\`*_[]<>|#&~" else mark for mark in printable(text))
    return _MENTION.sub("@\u200b", "".join(marks))


def code(text: str) -> str:
    """A code span, fenced by more backticks than it holds (CommonMark 0.31, section 6.1)."""
    text = printable(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{text.replace('|', chr(92) + '|')}{padding}{fence}"
