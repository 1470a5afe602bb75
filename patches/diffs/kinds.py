"""What else is kept in files called `.patch` or `.diff`, refused by its name."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from m2build.errors import UsageError
from m2build.patches.diffs.hunks import HEADER
from m2build.patches.diffs.lines import Lines

_ED = re.compile(rb"\d+(,\d+)?[acd]\r?\n")
_NORMAL = re.compile(rb"\d+(,\d+)?[acd]\d+(,\d+)?\r?\n")
_ENCODED = re.compile(rb"Content-Transfer-Encoding:\s*(quoted-printable|base64)\s", re.IGNORECASE)


def check_content(content: bytes, name: str) -> None:
    """Check that a file may be a diff at all.

    Raises:
        UsageError: it is empty, a page of a website, or in UTF-16.
    """
    start = content[:1000].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if not start:
        raise UsageError(f"{name}:1: the diff is empty")
    if start.startswith((b"<!doctype html", b"<html")):
        raise UsageError(
            f"{name}:1: this is a page of a website (HTML), not a diff",
            hint="save the address that ends in .diff or .patch, and log in first if it asks for that",
        )
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content[:2]:
        raise UsageError(f"{name}:1: the diff is in UTF-16", hint="some shells write that behind >; save it as UTF-8")


def check_line(lines: Lines) -> None:
    """Check that the present line, which begins no unified diff, begins no change of another kind either.

    What git skips as prose would be lost in silence.

    Raises:
        UsageError: it does.
    """
    for is_such, problem, hint in _KINDS:
        if is_such(lines):
            raise lines.fault(problem, hint=hint)


def _is_hunk(lines: Lines) -> bool:
    return HEADER.match(lines.peek()) is not None


def _is_encoded(lines: Lines) -> bool:
    """Whether a mail's header says so."""
    return _ENCODED.match(lines.peek()) is not None


def _is_coloured(lines: Lines) -> bool:
    return lines.peek().startswith(b"\x1b[")


def _is_merge(lines: Lines) -> bool:
    return lines.peek().startswith((b"diff --cc ", b"diff --combined ", b"@@@ -"))


def _is_context_diff(lines: Lines) -> bool:
    marks = (b"*** ", b"--- ", b"*****")
    return all(lines.peek(ahead).startswith(mark) for ahead, mark in enumerate(marks))


def _is_ed_script(lines: Lines) -> bool:
    """Where a diff may begin: a line of prose may look the same."""
    return (lines.at == 0 or lines.peek(-1).startswith(b"diff ")) and _ED.fullmatch(lines.peek()) is not None


def _is_normal_diff(lines: Lines) -> bool:
    return _NORMAL.fullmatch(lines.peek()) is not None and lines.peek(1).startswith((b"< ", b"> "))


_KINDS: tuple[tuple[Callable[[Lines], bool], str, str | None], ...] = (
    (_is_hunk, "this hunk is of no file: there is no header before it", None),
    (_is_merge, "this is the diff of a merge with several parents", "make one with `git diff OLD NEW`"),
    (_is_context_diff, "this is a context diff", "make a unified one, with `diff -u`"),
    (_is_ed_script, "this is an ed script", "make a unified diff, with `diff -u`"),
    (_is_normal_diff, "this is a diff without file names and lines around it", "make a unified one, with `diff -u`"),
    (
        _is_encoded,
        "this mail is encoded, and the lines of its diff are not those of the file",
        "decode it with `git mailinfo`, or take the diff from where it was made",
    ),
    (_is_coloured, "this diff has colours in it, for a terminal", "make it with `--no-color`"),
)
