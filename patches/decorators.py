"""Where decorators stand: in which definitions, and which of them stand there as comments."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from m2build.patches import scopes
from m2build.patches.places import decorator_line
from m2build.patches.text import PythonSource, parser

Style = Literal["comment", "delete"]
"""How to remove a decorator: comment it out, or delete it."""

_COMMENT = re.compile(r"[ \t\f]*#[ ]?")
_DEFINITION = re.compile(r"(async\s+def|def|class)\s+\w+\s*[(:\[]")
_LONGEST = 64
"""Lines after which a commented-out decorator is taken for prose."""


@dataclass(frozen=True)
class Definition:
    """A function, method or class, by its name within the module (`Norm.forward`)."""

    qualname: str
    node: scopes.Definition


def definitions(node: ast.AST, prefix: str = "") -> Iterator[Definition]:
    """Every definition below a node, outer before inner, wherever it is nested."""
    for child in _statements(node):
        if isinstance(child, scopes.Definition):
            yield Definition(prefix + child.name, child)
            yield from definitions(child, f"{prefix}{child.name}.")
        else:
            yield from definitions(child, prefix)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements right below a node, and what holds further ones; expressions hold no definitions."""
    for field in ("body", "handlers", "cases", "orelse", "finalbody"):
        children = getattr(node, field, ())
        yield from children if isinstance(children, list) else ()


@dataclass(frozen=True)
class Commented:
    """A decorator that stands as a block of comments where a removal leaves it.

    Attributes:
        expression: what the comments spell, placed at the line of the first one.
        line: that line.
        last: the line of the last one.
        in_place: whether they begin in the definition's column, as those of a removal do.
    """

    expression: ast.expr
    line: int
    last: int
    in_place: bool = True


def comment_lines(source: PythonSource) -> frozenset[int]:
    """The lines that hold nothing but a comment; lines of a string that begin with `#` are none."""
    tokens = tokenize.generate_tokens(io.StringIO(source.text, newline="").readline)
    comments = {token.start[0] for token in tokens if token.type == tokenize.COMMENT and not _before(token).strip()}
    return frozenset(comments)


def _before(token: tokenize.TokenInfo) -> str:
    return token.line[: token.start[1]]


def commented_decorators(
    source: PythonSource, node: scopes.Definition, comments: frozenset[int]
) -> Iterator[Commented]:
    """The decorators that stand as comments among or right above the definition's own.

    A block that goes on with a commented-out definition belongs to that, and is none.
    """
    last = node.lineno
    first = min((decorator_line(source, decorator) for decorator in node.decorator_list), default=last)
    while first - 1 in comments:
        first -= 1
    number = first
    while number < last:
        found = _commented(source, number, comments) if number in comments else None
        if found and not _goes_on(source, found.last, last, comments):
            yield replace(found, in_place=_column(source, number) == _column(source, last))
        number = found.last + 1 if found else number + 1


def _column(source: PythonSource, number: int) -> int:
    """Where the text of a line begins as the parser counts; a form feed starts again (Python reference, 2.1.8)."""
    line = source.line(number)
    return len(line[: len(line) - len(line.lstrip(" \t\f"))].rpartition("\f")[2])


def _commented(source: PythonSource, number: int, comments: frozenset[int]) -> Commented | None:
    """The decorator that a block of comments from a line on spells, if it does."""
    text = ""
    for line in range(number, number + _LONGEST):
        if line not in comments:
            return None
        text += _COMMENT.sub("", source.line(line), count=1).replace("\f", " ")
        if not text.startswith("@"):
            return None
        try:
            with parser():
                definition = ast.parse(f"{text}def decorated(): ...").body[0]
        except (SyntaxError, ValueError):
            continue
        if isinstance(definition, ast.FunctionDef):
            expression = ast.increment_lineno(definition.decorator_list[0], number - 1)
            return Commented(expression, number, line)
    return None


def _goes_on(source: PythonSource, last: int, end: int, comments: frozenset[int]) -> bool:
    """Whether the comments behind a decorator's are the definition that it was put on."""
    for line in range(last + 1, end):
        if line not in comments:
            return False
        if _DEFINITION.match(_COMMENT.sub("", source.line(line), count=1)):
            return True
    return False
