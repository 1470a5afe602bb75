"""Unified diffs in git's format, which both `git apply` and `patch -p1` take, forwards and in reverse.

The format is that of git-diff(1), "Generating patch text with -p": extended headers for renames and modes, odd names in
quotes, `\\ No newline at end of file` where a side ends without one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

from m2build.patches.matching import LineMatcher, common

if TYPE_CHECKING:
    from m2build.patches.change import FileChange
    from m2build.patches.tree import SourceFile

_CONTEXT = 3
_NULL = "/dev/null"
_ESCAPES = {0x07: "\\a", 0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0B: "\\v", 0x0C: "\\f", 0x0D: "\\r"} | {
    ord(character): f"\\{character}" for character in '"\\'
}


def git_diff(changes: Iterable[FileChange]) -> bytes:
    """The diff of all changes, one file after the other.

    A renaming to a path that another change leaves, such as each of a swap, is written as an edit there: GNU patch
    would take it for done already. So is a new file at such a path: to git that exists.
    """
    return b"".join(_file_diff(change) for change in _untangled(list(changes)))


def _untangled(changes: list[FileChange]) -> Iterator[FileChange]:
    left = {change.old_path: change.before for change in changes if change.before}
    taken = {change.path for change in changes if change.after}
    for given in changes:
        is_edit = given.before is None and given.path in left
        change = replace(given, before=left[given.path]) if is_edit else given
        if not change.renamed or (change.path not in left and change.old_path not in taken):
            yield change
            continue
        if change.old_path not in taken:
            yield replace(change, path=change.old_path, after=None)
        there = replace(change, old_path=change.path, before=left.get(change.path))
        if there.edited:
            yield there


def _file_diff(change: FileChange) -> bytes:
    old, new = _quoted("a/", change.old_path), _quoted("b/", change.path)
    before = _lines(change.before.content) if change.before else []
    after = _lines(change.after.content) if change.after else []
    lines = [f"diff --git {old} {new}", *_modes(change)]
    if change.renamed:
        lines.append(f"similarity index {_similarity(before, after)}%")
        lines += [f"rename from {_quoted('', change.old_path)}", f"rename to {_quoted('', change.path)}"]
    if before != after:
        same_mode = f" {_git_mode(change.before)}" if _git_mode(change.before) == _git_mode(change.after) else ""
        lines.append(f"index {_blob_id(change.before)}..{_blob_id(change.after)}{same_mode}")
        lines += [f"--- {old if change.before else _NULL}", f"+++ {new if change.after else _NULL}"]
    elif not (change.before and change.after):  # an empty file
        lines.append(f"index {_blob_id(change.before)}..{_blob_id(change.after)}")
    header = "".join(f"{line}\n" for line in lines).encode()
    return header + b"".join(_hunks(before, after))


def _modes(change: FileChange) -> Iterator[str]:
    old, new = _git_mode(change.before), _git_mode(change.after)
    if change.before is None:
        yield f"new file mode {new}"
    elif change.after is None:
        yield f"deleted file mode {old}"
    elif old != new:
        yield f"old mode {old}"
        yield f"new mode {new}"
    elif change.before.mode != change.after.mode and change.before.content == change.after.content:
        # git keeps no such mode, and reads a header that says it; it refuses one that says nothing
        yield f"old mode 100{change.before.mode & 0o777:03o}"
        yield f"new mode 100{change.after.mode & 0o777:03o}"


def _lines(content: bytes) -> list[bytes]:
    """Split after each line feed and nowhere else, as git does."""
    return BytesIO(content).readlines()


def _hunks(before: Sequence[bytes], after: Sequence[bytes]) -> Iterator[bytes]:
    for group in _opcode_groups(before, after):
        (_, start_a, _, start_b, _), (_, _, end_a, _, end_b) = group[0], group[-1]
        yield f"@@ -{_range(start_a, end_a)} +{_range(start_b, end_b)} @@\n".encode()
        for tag, a, a_end, b, b_end in group:
            if tag == "equal":
                yield from _marked(b" ", before[a:a_end])
            else:
                yield from _marked(b"-", before[a:a_end])
                yield from _marked(b"+", after[b:b_end])


def _opcode_groups(before: Sequence[bytes], after: Sequence[bytes]) -> Iterator[list[tuple[str, int, int, int, int]]]:
    """The groups of `difflib`, found between the common head and tail: edits are small, files are not."""
    shorter = min(len(before), len(after))
    head = common(before, after, shorter)
    tail = min(common(reversed(before), reversed(after), shorter), shorter - head)
    head, tail = max(0, head - _CONTEXT), max(0, tail - _CONTEXT)
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    for group in LineMatcher(*middle).get_grouped_opcodes(_CONTEXT):
        yield [(tag, a + head, a_end + head, b + head, b_end + head) for tag, a, a_end, b, b_end in group]


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _marked(mark: bytes, lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield mark + line + (b"" if line.endswith(b"\n") else b"\n\\ No newline at end of file\n")


def _similarity(before: Sequence[bytes], after: Sequence[bytes]) -> int:
    if before == after:
        return 100
    common = sum(len(line) for line in set(before) & set(after))
    return min(99, 100 * common // max(1, sum(map(len, set(before) | set(after)))))


def _git_mode(file: SourceFile | None) -> str | None:
    if file is None:
        return None
    return "100755" if file.mode & 0o100 else "100644"


def _blob_id(file: SourceFile | None) -> str:
    if file is None:
        return "0" * 40
    blob = b"blob %d\0%b" % (len(file.content), file.content)
    return hashlib.sha1(blob, usedforsecurity=False).hexdigest()


def _quoted(prefix: str, path: str) -> str:
    """A path as git writes it: in C quotes if it holds control characters, quotes, backslashes or bytes above 0x7f.

    One with a space is quoted too, which git reads and does not write: GNU patch takes some spaces for the name's end.
    """
    raw = (prefix + path).encode(errors="surrogateescape")
    if all(0x20 < byte < 0x7F and byte not in b'"\\' for byte in raw):
        return raw.decode()
    escaped = "".join(_ESCAPES.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}") for byte in raw)
    return f'"{escaped}"'
