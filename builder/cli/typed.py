"""A command line that is being typed in bash: its words, and which part of the last one bash replaces."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPECIAL = re.compile(r"([^\w@%+=:,./~-])")


@dataclass(frozen=True)
class Typed:
    """A command line up to the cursor.

    Attributes:
        words: the words, without their quotes; the last one is not finished, and may be empty.
        kept: how many characters of the last one bash keeps. It replaces what follows an opening quote, or the last of
            its word breaks; colons and equals signs are some (readline's rl_completer_word_break_characters).
        quote: the quote that is still open, or nothing.
    """

    words: tuple[str, ...]
    kept: int
    quote: str

    def replacement(self, word: str) -> str:
        """What bash has to insert to complete the last word to this one."""
        rest = word[self.kept :]
        return rest if self.quote else _SPECIAL.sub(r"\\\1", rest)


def typed(line: str, breaks: str) -> Typed:
    """Read a command line.

    Args:
        line: the text before the cursor.
        breaks: bash's COMP_WORDBREAKS.
    """
    words, word, quote, kept, is_escaped = [], "", "", 0, False
    for mark in line:
        if is_escaped:
            word, is_escaped = word + mark, False
        elif mark == "\\" and quote != "'":
            is_escaped = True
        elif quote:
            word, quote = (word, "") if mark == quote else (word + mark, quote)
        elif mark in "'\"":
            quote, kept = mark, len(word)
        elif mark.isspace():
            words += [word] if word else []
            word, kept = "", 0
        else:
            word += mark
            kept = len(word) if mark in breaks else kept
    return Typed((*words, word), kept, quote)
