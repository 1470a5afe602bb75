"""Where decorators stand: in which definitions, and which of them stand there as comments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from m2build.patches import names
from m2build.patches.places import decorator_line
from m2build.patches.text import PythonSource

Style = Literal["comment", "delete"]
"""How to remove a decorator: comment it out, or delete it."""

_COMMENT = re.compile(r"[ \t]*#[ ]?")
_LONGEST = 64
"""Lines after which a commented-out decorator is taken for prose."""


@dataclass(frozen=True)
class Definition:
    """A function, method or class, by its name within the module (`Norm.forward`)."""

    qualname: str
    node: names.Definition


def definitions(node: ast.AST, prefix: str = "") -> Iterator[Definition]:
    """Every definition below a node, outer before inner, wherever it is nested."""
    for child in _statements(node):
        if isinstance(child, names.Definition):
            yield Definition(prefix + child.name, child)
            yield from definitions(child, f"{prefix}{child.name}.")
        else:
            yield from definitions(child, prefix)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements right below a node, and what holds further ones; expressions hold no definitions."""
    for field in ("body", "handlers", "cases", "orelse", "finalbody"):
        children = getattr(node, field, ())
        yield from children if isinstance(children, list) else ()


def commented_decorators(source: PythonSource, node: names.Definition) -> Iterator[ast.expr]:
    """The decorators that stand as comments among or right above the definition's own."""
    last = node.lineno
    first = min((decorator_line(source, decorator) for decorator in node.decorator_list), default=last)
    while first > 1 and _COMMENT.match(source.line(first - 1)):
        first -= 1
    block = [source.line(number) for number in range(first, last)]
    for position, line in enumerate(block):
        indentation, mark, _ = line.partition("#")
        if mark and len(indentation) == node.col_offset and _COMMENT.sub("", line, count=1).startswith("@"):
            yield from _uncommented(block[position : position + _LONGEST])


def _uncommented(block: list[str]) -> Iterator[ast.expr]:
    """The decorator that the first lines of a block of comments spell, if they do."""
    text = ""
    for line in block:
        text += _COMMENT.sub("", line, count=1)
        try:
            definition = ast.parse(f"{text}def decorated(): ...").body[0]
        except (SyntaxError, ValueError):
            continue
        if isinstance(definition, ast.FunctionDef):
            yield from definition.decorator_list[:1]
        return
