"""Text of others in Markdown (CommonMark with GitHub's tables)."""

from __future__ import annotations

import re


def plain(text: str) -> str:
    """Text that Markdown shows as it is, also in a table's cell."""
    escaped = "".join(f"\\{character}" if character in "\\`*_[]<>|#&~" else character for character in text)
    return escaped.encode(errors="replace").decode()


def code(text: str) -> str:
    """A code span, fenced by more backticks than it holds (CommonMark 0.31, section 6.1)."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{text.replace('|', chr(92) + '|')}{padding}{fence}"
