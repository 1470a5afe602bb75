"""Text from outside, as it may reach a terminal or a log.

Names of files and images, tags, labels, texts of recipes, and what engines and registries say are anybody's. An escape
sequence in them would move the cursor, a bidirectional mark would swap words (CVE-2021-42574), and a line break would
begin a line that looks like ours.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
"""What `str.isprintable` lets pass although no terminal shows it: Unicode's Default_Ignorable_Code_Point."""


def printable(text: str, encoding: str = "utf-8") -> str:
    r"""The text on one line, with whatever cannot be seen, or has no place in the encoding, as an escape: `\x1b`, `\n`.

    What cannot be seen are control characters (C0 and C1), line breaks, marks of direction and of zero width, spaces
    other than the usual one, lone surrogates, and code points that Unicode does not assign.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = "".join(mark if _is_seen(mark) else _escape(mark) for mark in text)
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def shell_text(words: Iterable[str], encoding: str = "utf-8") -> str:
    r"""A command line for a shell: printable, and to the shell word for word the same.

    Words that hold what cannot be printed are quoted as `$'\033'` (POSIX.1-2024, section 2.2.4), with the octal numbers
    of their bytes.
    """
    return " ".join(_shell_word(word, encoding) for word in words)


def _is_seen(mark: str) -> bool:
    return mark.isprintable() and not _UNSEEN.match(mark)


def _escape(mark: str) -> str:
    return mark.encode("unicode_escape").decode()


def _shell_word(word: str, encoding: str) -> str:
    if printable(word, encoding) == word:
        return shlex.quote(word)
    return "$'" + "".join(_shell_mark(mark, encoding) for mark in word) + "'"


def _shell_mark(mark: str, encoding: str) -> str:
    if mark in "\\'":
        return f"\\{mark}"
    if printable(mark, encoding) == mark:
        return mark
    # A lone surrogate is a byte of a name that is not UTF-8 (PEP 383), or stands in a JSON text.
    errors = "surrogateescape" if "\udc80" <= mark <= "\udcff" else "surrogatepass"
    return "".join(f"\\{byte:03o}" for byte in mark.encode("utf-8", errors))
