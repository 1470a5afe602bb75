"""Diffs as people have them: of `git diff` and `diff -u`, as mails of `git format-patch`, and as quilt keeps them."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from m2build.errors import UsageError
from m2build.patches.diffs.headers import BINARY, GIT, read_git, read_plain, stripped
from m2build.patches.diffs.hunks import START
from m2build.patches.diffs.kinds import check_content, check_line
from m2build.patches.diffs.lines import Lines, bare
from m2build.patches.diffs.model import FileDiff, Kind, Step


def parse(content: bytes, *, name: str, strip: int = 1) -> tuple[Step, ...]:
    """Read a diff; what stands between the parts of one is prose.

    Prose between two files, and a file that comes up a second time, begin a new step: several mails may be in one file.

    Args:
        content: the diff.
        name: what it is called in messages.
        strip: how many parts of each name, such as `a/`, are not part of the path.

    Returns:
        The steps.

    Raises:
        UsageError: it is not a diff, is malformed or truncated, or has parts that git would skip in silence.
    """
    check_content(content, name)
    lines = Lines(name, content.removeprefix(codecs.BOM_UTF8))
    steps: list[list[FileDiff]] = []
    written, left = set[str | None](), set[str | None]()
    for after_prose, diff in _files(lines, strip):
        if after_prose or diff.new.path in written or (diff.kind is not Kind.COPY and diff.old.path in left):
            steps.append([])
            written, left = set(), set()
        steps[-1].append(diff)
        written.add(diff.new.path)
        if diff.kind in (Kind.RENAME, Kind.DELETE):
            left.add(diff.old.path)
    if not steps:
        raise UsageError(f"{name}:1: no unified diff is in it", hint="`git diff` and `diff -ruN` write such diffs")
    return tuple(map(tuple, steps))


def _files(lines: Lines, strip: int) -> Iterator[tuple[bool, FileDiff]]:
    """The diff of each file, and whether prose stands before it; the first one counts as if it did."""
    after_prose = True
    while lines:
        diff = _file(lines, strip)
        if diff:
            yield after_prose, diff
            after_prose = False
        else:
            after_prose = after_prose or lines.peek().strip() != b""
            lines.at += 1


def _file(lines: Lines, strip: int) -> FileDiff | None:
    line = lines.peek()
    if line.startswith(GIT):
        return read_git(lines, strip)
    if line.startswith(b"--- ") and lines.peek(1).startswith(b"+++ "):
        if not lines.peek(2).startswith(START):
            raise lines.fault("no hunk follows the names of the file", hint="is the diff truncated?")
        return read_plain(lines, strip)
    check_line(lines)
    if line.startswith(b"Binary files ") and (match := BINARY.fullmatch(bare(line))):
        name = stripped(lines, match[1], strip)
        lines.at += 1
        return FileDiff(lines.at, Kind.EDIT, name, name, refusal="is binary")
    return None
