"""Globs over the paths of a tree: `*` and `?` stay within a folder, `**` is any number of folders, `[...]` a set."""

from __future__ import annotations

import re
from collections.abc import Iterable

from m2build.errors import UsageError

_FOLDERS = r"(?:[^/]+/)*"
_TOKEN = re.compile(r"\[!?\]?[^\]]*\]|.", re.DOTALL)


def glob_pattern(globs: Iterable[str]) -> re.Pattern[str]:
    """What matches, as a whole, the paths that one of the globs matches.

    Raises:
        UsageError: there is no glob, or one could match no path of a tree.
    """
    patterns = [_translated(glob) for glob in globs]
    if not patterns:
        raise UsageError("no files are named", hint='give globs, such as files: ["package/**/*.py"]')
    return re.compile("|".join(patterns))


def _translated(glob: str) -> str:
    parts = glob.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise UsageError(
            f"the glob {glob!r} matches no path of a tree", hint="paths are relative, such as package/module.py"
        )
    *folders, name = parts
    above = "".join(_FOLDERS if part == "**" else f"{_part(part)}/" for part in folders)
    return above + (f"{_FOLDERS}[^/]+" if name == "**" else _part(name))


def _part(part: str) -> str:
    return _TOKEN.sub(lambda match: _token(match[0]), part)


def _token(sign: str) -> str:
    if sign == "*":
        return "[^/]*"
    if sign == "?":
        return "[^/]"
    if len(sign) > 1:
        inside = sign[1:-1]
        negated, inside = inside.startswith("!"), inside.removeprefix("!")
        # What would be an operation on sets, or end one, in a regular expression.
        inside = re.sub(r"[\\\[\]^&~|]", r"\\\g<0>", inside)
        return f"(?!/)[{'^' * negated}{inside}]"
    return re.escape(sign)
