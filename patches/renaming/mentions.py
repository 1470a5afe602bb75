"""Where a tree still names a module that was renamed: strings, comments, exports and files that are not Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from m2build.patches.change import Mention
from m2build.patches.modules import SUFFIXES, Renaming, split
from m2build.patches.text import read_python
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


def find_exports(tree: SourceTree, renaming: Renaming) -> Iterator[Mention]:
    """Every line in which the parent package's `__all__` names the module: `from parent import *` then imports it."""
    parent, last = split(renaming.old)
    for path in (f"{parent.replace('.', '/')}/__init__{suffix}" for suffix in SUFFIXES):
        content = tree[path].content if path in tree else b""
        if b"__all__" in content and last.encode() in content:
            lines = content.splitlines()
            for number in _exports(read_python(path, content).parse(), last):
                yield mention(path, number, lines[number - 1])


def _exports(module: ast.Module, name: str) -> Iterator[int]:
    """The lines of the strings equal to `name` in the top-level statements that mention `__all__`."""
    for statement in module.body:
        nodes = list(ast.walk(statement))
        if any(isinstance(node, ast.Name) and node.id == "__all__" for node in nodes):
            yield from (node.lineno for node in nodes if isinstance(node, ast.Constant) and node.value == name)


def mention(path: str, number: int, line: bytes) -> Mention:
    """The mention of one line, cut to what a person wants to see."""
    return Mention(path, number, line.decode(errors="replace").strip()[:160])
