"""Python source as text that can be edited in places and is byte for byte itself everywhere else."""

from __future__ import annotations

import ast
import bisect
import codecs
import re
import threading
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from m2build.errors import PatchError

LARGEST_PYTHON = 4 << 20
"""Bytes of a Python file that may concern a patch; the largest in SGLang, mypy and the standard library have less than
1 MB."""
MOST_PIECES = 100_000
"""Names, numbers, quotes and opening brackets of such a file, of which each takes up to 2 KB once it is parsed; mypy's
checker, the largest module of those, has 62,000."""

_NEWLINE = re.compile(r"\r\n|\r|\n")
_LINE = re.compile(rb"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_PIECE = re.compile(r"""\w+|\.\.\.|[\[({"']""")
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def parser() -> Iterator[None]:
    """Python's parser, for one thread at a time and without its warnings.

    Threads share its count of depth (python/cpython#106905) and the filters of warnings.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Edit:
    """Replace `text[start:end]` by `replacement`; offsets count characters."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True)
class PythonSource:
    """A decoded source file.

    Attributes:
        path: for messages.
        text: the source without its byte order mark, newlines as they are.
        encoding: the codec that the file declares (PEP 263), utf-8 without a declaration.
        bom: the byte order mark, or nothing.
    """

    path: str
    text: str
    encoding: str
    bom: bytes

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _NEWLINE.finditer(self.text))]

    @property
    def newline(self) -> str:
        """The line ending that the file uses first."""
        match = _NEWLINE.search(self.text)
        return match.group() if match else "\n"

    def parse(self) -> ast.Module:
        """Parse the text with the running Python's grammar.

        Raises:
            PatchError: it is not Python, or larger than any real source; the message holds path, line and column.
        """
        if len(self.text) > MOST_PIECES and sum(1 for _ in _PIECE.finditer(self.text)) > MOST_PIECES:
            raise _unfit(self.path, f"has more than {MOST_PIECES:,} names, numbers, strings and brackets")
        try:
            with parser():
                return ast.parse(self.text)
        except SyntaxError as error:
            where = f"{self.path}:{error.lineno or 1}:{error.offset or 1}"
            raise PatchError(
                f"{where} does not parse: {error.msg}",
                hint="the file may concern a patch, so nothing was changed; fix it, or leave it out of the source",
            ) from error
        except (RecursionError, MemoryError) as error:  # so CPython's parser says it, with and without a text
            raise _unfit(self.path, "nests expressions or statements too deeply for Python's parser") from error
        except ValueError as error:
            raise PatchError(f"{self.path}:1:1 does not parse: {error}") from error

    @property
    def line_count(self) -> int:
        """How many physical lines there are; the last one may be empty."""
        return len(self._line_starts)

    def line_offset(self, line: int) -> int:
        """Where a physical line, counted from 1, begins."""
        return self._line_starts[line - 1]

    def line(self, line: int) -> str:
        """A physical line, counted from 1, with its ending."""
        end = self._line_starts[line] if line < len(self._line_starts) else len(self.text)
        return self.text[self._line_starts[line - 1] : end]

    def offset(self, line: int, column: int) -> int:
        """The character offset of a position as `ast` gives it: line from 1, column in bytes of UTF-8 from 0."""
        if not self.text.isascii():
            column = len(self.line(line).encode()[:column].decode())
        return self._line_starts[line - 1] + column

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node begins and ends, as character offsets."""
        if node.end_lineno is None or node.end_col_offset is None:
            raise ValueError("the node has no end")
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)

    def line_of(self, offset: int) -> int:
        """The physical line, counted from 1, in which the character at `offset` stands."""
        return bisect.bisect_right(self._line_starts, offset)

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """The file's bytes after the edits, which must not overlap; every other byte is as it was.

        Raises:
            PatchError: the new text cannot be written in the file's encoding.
        """
        pieces, position = [], 0
        for edit in sorted(edits, key=lambda edit: edit.start):
            if edit.start < position:
                raise ValueError(f"edits overlap at {self.path}, offset {edit.start}")
            pieces += [self.text[position : edit.start], edit.replacement]
            position = edit.end
        return self.encoded("".join([*pieces, self.text[position:]]))

    def encoded(self, text: str) -> bytes:
        """The file's bytes with another text, in the same encoding and with the same byte order mark.

        Raises:
            PatchError: the text cannot be written in the file's encoding.
        """
        try:
            content = self.bom + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise PatchError(f"{self.path}: the edit cannot be written in {self.encoding}") from error
        if read_python(self.path, content).encoding != self.encoding:
            raise PatchError(f"{self.path}: the edit would change the file's encoding declaration")
        return content


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Name the file for which Python's recursion limit is too low.

    Raises:
        PatchError: whatever runs within has hit the limit.
    """
    try:
        yield
    except RecursionError as error:
        raise PatchError(f"{path} is nested too deeply to be read: {error}") from error


def _unfit(path: str, problem: str) -> PatchError:
    return PatchError(
        f"{path}:1:1 {problem}",
        hint="hand-written source is never like that; a patch may concern the file, so leave it out of the source",
    )


def read_python(path: str, content: bytes) -> PythonSource:
    """Decode a Python file by its byte order mark and its encoding declaration.

    Raises:
        PatchError: the declaration is unknown or does not fit the bytes, or the codec does not give them back; or the
            file is larger than any real source.
    """
    if len(content) > LARGEST_PYTHON:
        raise _unfit(path, f"has {len(content):,} bytes, and may have {LARGEST_PYTHON:,}")
    bom = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    body = content[len(bom) :]
    lines = _LINE.finditer(body)  # the declaration is in one of the first two
    try:
        encoding = tokenize.detect_encoding(lambda: next(lines)[0])[0]
        text = body.decode(encoding)
        faithful = encoding == "utf-8" or text.encode(encoding) == body
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise PatchError(f"{path}:1:1 cannot be decoded: {error}") from error
    if not faithful:
        raise PatchError(f"{path}: its encoding {encoding} does not give back the same bytes")
    return PythonSource(path, text, encoding, bom)
