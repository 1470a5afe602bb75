"""Where decorators stand: their definitions, their physical lines, and those that stand there as comments."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from m2build.errors import PatchError
from m2build.patches import names
from m2build.patches.text import Edit, PythonSource

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


def decorator_lines(source: PythonSource, expression: ast.expr) -> range:
    """The physical lines, counted from 1, of the logical line that a decorator's expression stands in.

    Raises:
        PatchError: the lines cannot be told.
    """
    first = expression.lineno
    while not source.line(first).lstrip(" \t\f").startswith("@"):
        first -= 1
    # Python takes a lone carriage return for the end of a line, and its tokenizer does not.
    lines = (source.line(number).rstrip("\r\n") + "\n" for number in range(first, source.line_count + 1))
    try:
        for token in tokenize.generate_tokens(lambda: next(lines, "")):
            if token.type == tokenize.NEWLINE:
                return range(first, first + token.end[0])
    except (tokenize.TokenError, SyntaxError) as error:
        raise PatchError(f"{source.path}:{first}:1: the decorator's lines cannot be told: {error}") from error
    raise PatchError(f"{source.path}:{first}:1: the decorator does not end")


def comment_out(source: PythonSource, lines: range) -> Iterator[Edit]:
    """Turn physical lines into comments that start in the first line's column, or where a line with less begins.

    Blank lines too: what is left is one block of comments, by which a second run knows the decorator again.
    """
    first = source.line(lines.start)
    indentation = first[: len(first) - len(first.lstrip(" \t\f"))]
    for number in lines:
        line = source.line(number)
        column = next((i for i, (a, b) in enumerate(zip(indentation, line, strict=False)) if a != b), len(indentation))
        start = source.line_offset(number) + column
        yield Edit(start, start, "# " if line.strip() else f"{indentation[column:]}#")


def delete(source: PythonSource, lines: range) -> Edit:
    """Take physical lines out."""
    start = source.line_offset(lines.start)
    return Edit(start, source.line_offset(lines.stop - 1) + len(source.line(lines.stop - 1)), "")


def commented_decorators(source: PythonSource, node: names.Definition) -> Iterator[ast.expr]:
    """The decorators that stand as comments among or right above the definition's own."""
    last = node.lineno
    first = min((decorator_lines(source, decorator).start for decorator in node.decorator_list), default=last)
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
