"""The libcst transformer that takes decorators out, or leaves a block of comments where they stood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import libcst as cst

from m2build.patches.decorators import Style
from m2build.patches.editing import Editor

_Definition = TypeVar("_Definition", cst.FunctionDef, cst.ClassDef)


class DecoratorEditor(Editor[Style]):
    """Takes out the decorators whose expressions stand at the given places."""

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        """Take out decorators of a function or method."""
        return self._without(original_node, updated_node)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        """Take out decorators of a class."""
        return self._without(original_node, updated_node)

    def _without(self, original: _Definition, updated: _Definition) -> _Definition:
        kept: list[cst.Decorator] = []
        left: list[cst.EmptyLine] = []
        """The lines that stay where decorators went, to stand before the next one."""
        for before, after in zip(original.decorators, updated.decorators, strict=True):
            style = self.taken(before.decorator)
            left += after.leading_lines
            if style is None:
                kept.append(after.with_changes(leading_lines=left))
                left = []
            elif style == "comment":
                left += _comments(self._lines(before))
        if len(kept) == len(original.decorators):
            return updated
        return updated.with_changes(decorators=kept, lines_after_decorators=[*left, *updated.lines_after_decorators])

    def _lines(self, decorator: cst.Decorator) -> Sequence[str]:
        """The physical lines of a decorator, with their endings."""
        where = self.range_of(decorator)
        joined = decorator.trailing_whitespace.whitespace.value.count("\\")
        return self.lines[where.start.line - 1 : where.end.line + joined]


def _comments(lines: Sequence[str]) -> Iterator[cst.EmptyLine]:
    """Physical lines as comments that start in the first line's column, or where a line with less begins.

    Blank lines too: what is left is one block of comments, by which a second run knows the decorator again.
    """
    indentation = lines[0][: len(lines[0]) - len(lines[0].lstrip(" \t\f"))]
    for line in lines:
        text = line.rstrip("\r\n")
        column = next((i for i, (a, b) in enumerate(zip(indentation, line, strict=False)) if a != b), len(indentation))
        before, mark = (text[:column], "# ") if text.strip() else (text[:column] + indentation[column:], "#")
        yield cst.EmptyLine(
            indent=False,
            whitespace=cst.SimpleWhitespace(before),
            comment=cst.Comment(mark + text[column:]),
            newline=cst.Newline(line[len(text) :]),
        )
