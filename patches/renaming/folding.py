"""The mentions of a name that is also a word: those that look like code first, and one for each file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from m2build.patches.change import Mention


def folded(mentions: Iterable[Mention], name: str) -> Iterator[Mention]:
    """One mention for each file in which a line looks like code, and one for all others together.

    Args:
        mentions: of single lines.
        name: the name of a top-level module.
    """
    code = re.compile(rf"\b(?:import|from|-m)\s+{name}\b|\b{name}[.:]\w|\b{name}/|(['\"`]){name}\1")
    files: dict[str, list[Mention]] = {}
    for mention in mentions:
        files.setdefault(mention.path, []).append(mention)
    words = []
    for found in files.values():
        like_code = [mention for mention in found if mention.line is None or code.search(mention.text)]
        if like_code:
            yield _with_rest(like_code[0], len(found) - 1, "line", "in this file")
        else:
            words.append(found[0])
    if words:
        yield _with_rest(words[0], len(words) - 1, "file", f"where {name} is a word")


def _with_rest(mention: Mention, rest: int, what: str, where: str) -> Mention:
    if not rest:
        return mention
    return replace(mention, reason=f"and {rest} more {what}{'s' if rest > 1 else ''} {where}")
