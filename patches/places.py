"""Places of a Python file where something is to change, and the top-level statements that they stand in."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from m2build.patches.text import PythonSource

New = TypeVar("New")


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
    """Top-level statements in which something changes: from their first token to the end of their last line.

    Attributes:
        start: where they begin; white space and form feeds before the first token are not part of them.
        end: where they end; a lone carriage return that ends the last line is not part of them.
        places: what changes in them, in order.
    """

    start: int
    end: int
    places: tuple[Place[New], ...]


def changing_statements(
    source: PythonSource, syntax: ast.Module, places: Iterable[Place[New]]
) -> Iterator[Statements[New]]:
    """The top-level statements that hold the places, in order; those that share a physical line stay together."""
    left = sorted(places, key=lambda place: place.start)
    for start, end in _regions(source, syntax):
        inside = [place for place in left if start <= place.start < end]
        if inside:
            yield Statements(start, end, tuple(inside))
            left = left[len(inside) :]
        if not left:
            return


def _regions(source: PythonSource, syntax: ast.Module) -> Iterator[tuple[int, int]]:
    start = last = 0
    for statement in syntax.body:
        first_line, first = _beginning(source, statement)
        if first_line > last:
            if last:
                yield start, _end(source, last)
            start = first
        last = _last_line(source, statement)
    if last:
        yield start, _end(source, last)


def _beginning(source: PythonSource, statement: ast.stmt) -> tuple[int, int]:
    """The line and the offset of a statement's first token, which is the `@` of the first decorator if it has any."""
    decorators: Sequence[ast.expr] = getattr(statement, "decorator_list", ())
    if not decorators:
        return statement.lineno, source.offset(statement.lineno, statement.col_offset)
    line = decorator_line(source, decorators[0])
    return line, source.line_offset(line) + source.line(line).index("@")


def decorator_line(source: PythonSource, expression: ast.expr) -> int:
    """The physical line, counted from 1, of the `@` before a decorator's expression."""
    line = expression.lineno
    while not source.line(line).lstrip(" \t\f").startswith("@"):
        line -= 1
    return line


def _last_line(source: PythonSource, statement: ast.stmt) -> int:
    """The last physical line of a statement, with what a backslash joins to it."""
    line = statement.end_lineno or statement.lineno
    while line < source.line_count and source.line(line).rstrip("\r\n").endswith("\\"):
        line += 1
    return line


def _end(source: PythonSource, line: int) -> int:
    text = source.line(line)
    return source.line_offset(line) + len(text) - text.endswith("\r")
