"""Editing with libcst: it gets the top-level statements that change, and nothing else of the file.

What libcst 1.9 does not give back byte for byte stays outside: byte order marks, encodings, a leading form feed, a
final carriage return. A statement that libcst does not read or give back, or that it recurses on, is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Generic

import libcst as cst
from libcst.metadata import CodePosition, CodeRange, MetadataWrapper, PositionProvider

from m2build.patches.places import InexactError, New, Place, Statements, changing_statements
from m2build.patches.text import Edit, PythonSource


class Editor(cst.CSTTransformer, Generic[New]):
    """A libcst transformer that changes the nodes at given places. Its subclasses ask for each with `taken`."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    lines: list[str]
    """The physical lines of the text that is visited."""
    newline: cst.Newline
    """The line ending that new lines are to have: the first of the file."""
    waiting: dict[CodeRange, New]
    """The places that no editor has reached."""

    def prepare(self, source: PythonSource, places: Iterable[Place[New]], start: int, end: int) -> None:
        """Set out to visit the text of `source` from `start` to `end`."""
        first = source.line_of(start)
        begin = source.line_offset(first)

        def position(offset: int) -> CodePosition:
            line = source.line_of(offset)
            return CodePosition(line - first + 1, offset - (start if line == first else source.line_offset(line)))

        self.lines = [source.line(line) for line in range(first, source.line_of(end) + 1)]
        self.newline = cst.Newline(source.newline)
        self.lines[0] = self.lines[0][start - begin :]
        self.waiting = {CodeRange(position(place.start), position(place.end)): place.new for place in places}

    def range_of(self, node: cst.CSTNode) -> CodeRange:
        """Where a node stands in the text that is visited."""
        found = self.get_metadata(PositionProvider, node)
        if not isinstance(found, CodeRange):
            raise TypeError(f"{type(node).__name__} has no range")
        return found

    def taken(self, node: cst.CSTNode) -> New | None:
        """What becomes of a node, or None if it stays; each place is given out once."""
        return self.waiting.pop(self.range_of(node), None) if self.waiting else None


def edited(
    source: PythonSource, syntax: ast.Module, places: Iterable[Place[New]], editor: Callable[[], Editor[New]]
) -> bytes:
    """The file's bytes after an editor has visited the statements that hold the places.

    Raises:
        InexactError: a statement cannot be edited exactly.
        PatchError: the new text cannot be written in the file's encoding.
    """
    return source.edited(
        Edit(statements.start, statements.end, _edited(source, statements, editor()))
        for statements in changing_statements(source, syntax, places)
    )


def _edited(source: PythonSource, statements: Statements[New], editor: Editor[New]) -> str:
    text = source.text[statements.start : statements.end]
    where = f"{source.path}:{source.line_of(statements.start)}"
    editor.prepare(source, statements.places, statements.start, statements.end)
    module, written = parsed(text, where)
    if written != text:
        raise InexactError(f"{where}: libcst does not reproduce this statement byte for byte")
    try:
        result = MetadataWrapper(module, unsafe_skip_copy=True).visit(editor).code
    except (cst.CSTValidationError, RecursionError) as error:
        raise InexactError(f"{where}: libcst cannot edit this statement ({type(error).__name__})") from error
    check_complete(editor, where)
    return result


def parsed(text: str, where: str) -> tuple[cst.Module, str]:
    """A text as libcst reads it, and as libcst writes that back.

    Args:
        text: a module, or some statements of one.
        where: the text's place, for messages.

    Raises:
        InexactError: libcst does not read it.
    """
    try:
        module = cst.parse_module(text)
        written = module.code  # libcst parses deeper than it can write
    except (cst.ParserSyntaxError, RecursionError) as error:
        raise InexactError(
            f"{where}: libcst cannot parse the statement that begins here ({type(error).__name__})"
        ) from error
    return module, written


def check_complete(editor: Editor[New], where: str) -> None:
    """Check that an editor has reached every place.

    Raises:
        InexactError: it has not.
    """
    for place in editor.waiting:
        raise InexactError(f"{where}: libcst has no node at line {place.start.line} of this statement")
