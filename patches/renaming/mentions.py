"""Where a tree still names a module that was renamed: strings, comments and files that are not Python."""

from __future__ import annotations

import re
from collections.abc import Iterator

from m2build.patches.change import Mention
from m2build.patches.modules import Renaming, split
from m2build.patches.tree import SourceTree

_LARGEST = 1 << 20
"""Files above this size are data, not text that a person would edit."""


def find_mentions(tree: SourceTree, renaming: Renaming) -> Iterator[Mention]:
    """Every line of the changed tree that still spells the old module's dotted name or path."""
    dotted, path = renaming.old, renaming.old.replace(".", "/")
    spelled = [dotted.encode(), path.encode()] if "." in dotted else [dotted.encode()]
    last = split(dotted)[1].encode()
    pattern = re.compile(rf"(?<![\w.]){re.escape(dotted)}(?!\w)|(?<!\w){re.escape(path)}(?=\.pyi?\b|/)".encode())
    for name, file in tree.items():
        content = file.content if file.size <= _LARGEST else b""
        # One search for the last part rules nearly every file out; the pattern alone would take ten times as long.
        if last in content and any(word in content for word in spelled) and b"\0" not in content:
            for number, line in enumerate(content.splitlines(), 1):
                if pattern.search(line):
                    yield mention(name, number, line)


def mention(path: str, number: int, line: bytes) -> Mention:
    """The mention of one line, cut to what a person wants to see."""
    return Mention(path, number, line.decode(errors="replace").strip()[:160])
