"""Places of a Python file where something is to change, and the top-level statements that they stand in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from m2build.patches.text import PythonSource

New = TypeVar("New")

_SAME_LINE = re.compile(r"[ \t\f]*;(?:[ \t\f]|\\(?:\r\n?|\n))*")
"""What stands between two statements on one logical line."""


class InexactError(Exception):
    """A change that cannot be made exactly; the message holds the place and the reason."""


@dataclass(frozen=True)
class Place(Generic[New]):
    """A node and what becomes of it.

    Attributes:
        start: where the node begins, as a character offset in the source before the edit.
        end: where it ends, without the parentheses around it.
        new: what becomes of it; the codemod knows what that means.
    """

    start: int
    end: int
    new: New


@dataclass(frozen=True)
class Statements(Generic[New]):
    """Top-level statements in which something changes: from their first token to their last.

    Attributes:
        start: where they begin.
        end: where they end.
        places: what changes in them, in order.
    """

    start: int
    end: int
    places: tuple[Place[New], ...]


def changing_statements(
    source: PythonSource, syntax: ast.Module, places: Iterable[Place[New]]
) -> Iterator[Statements[New]]:
    """The top-level statements that hold the places, in order; those on one logical line stay together."""
    left = sorted(places, key=lambda place: place.start)
    for start, end in _logical_lines(source, syntax):
        inside = [place for place in left if start <= place.start < end]
        if inside:
            yield Statements(start, end, tuple(inside))
            left = left[len(inside) :]
        if not left:
            return


def _logical_lines(source: PythonSource, syntax: ast.Module) -> Iterator[tuple[int, int]]:
    start = end = -1
    for statement in syntax.body:
        first, last = _beginning(source, statement), source.span(statement)[1]
        if end < 0 or not _SAME_LINE.fullmatch(source.text, end, first):
            if end >= 0:
                yield start, end
            start = first
        end = last
    if end >= 0:
        yield start, end


def _beginning(source: PythonSource, statement: ast.stmt) -> int:
    """The offset of a statement's first token, which is the `@` of the first decorator if it has any."""
    decorators: Sequence[ast.expr] = getattr(statement, "decorator_list", ())
    if not decorators:
        return source.span(statement)[0]
    line = decorator_line(source, decorators[0])
    return source.line_offset(line) + source.line(line).index("@")


def decorator_line(source: PythonSource, expression: ast.expr) -> int:
    """The physical line, counted from 1, of the `@` before a decorator's expression."""
    line = expression.lineno
    while not source.line(line).lstrip(" \t\f").startswith("@"):
        line -= 1
    return line
