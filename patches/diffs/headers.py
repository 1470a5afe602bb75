"""The headers of the files in a diff: git's, with renames and modes, and the plain ones of `diff -u`."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable

from m2build.documents.shown import shown
from m2build.errors import UsageError
from m2build.patches.diffs import names
from m2build.patches.diffs.hunks import read_hunks
from m2build.patches.diffs.lines import Lines, bare
from m2build.patches.diffs.model import FileDiff, Hunk, Kind, Name

GIT = b"diff --git "
BINARY = re.compile(rb"Binary files .+ and (.+) differ")
_EMPTY_BLOBS = (
    b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)
"""What git calls an empty file, in repositories with SHA-1 and with SHA-256."""
_INDEX = re.compile(rb"([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?")
_MODE = re.compile(rb"[0-7]{6}")
_TYPES = {stat.S_IFLNK: "is a symbolic link", 0o160000: "is a submodule"}
"""What git keeps besides regular files (gitformat-index(5))."""


def read_plain(lines: Lines, strip: int) -> FileDiff:
    """Read the file whose `--- ` and `+++ ` begin at the present line.

    Of its two names the second one counts, or the first one if the second is the same with an end such as `.new`.

    Args:
        lines: the diff.
        strip: how many parts of each name are not part of the path.

    Raises:
        UsageError: it names no file, or its hunks are malformed.
    """
    start, old, new = lines.at + 1, bare(lines.peek())[4:], bare(lines.peek(1))[4:]
    kind = Kind.EDIT
    if names.is_null(old) or names.is_epoch(old):
        kind = Kind.CREATE
    elif names.is_null(new) or names.is_epoch(new):
        kind = Kind.DELETE
    path = stripped(lines, names.undated(old if names.is_null(new) else new), strip)
    if not (names.is_null(old) or names.is_null(new)):
        first = stripped(lines, names.undated(old), strip)
        is_variation = (path.path or "").startswith(first.path or path.written)
        path = first if is_variation and not new.startswith(b'"') else path
    lines.at += 2
    hunks = read_hunks(lines)
    if kind is Kind.EDIT and len(hunks) == 1 and not hunks[0].old.lines:
        kind = Kind.WRITE
    return _whole(lines, FileDiff(start, kind, path, path, hunks))


def read_git(lines: Lines, strip: int) -> FileDiff:
    """Read the file whose `diff --git ` is the present line.

    Raises:
        UsageError: the header contradicts itself, or its hunks are malformed.
    """
    header = _GitHeader(lines, strip)
    header.read()
    diff = header.diff(read_hunks(lines))
    return _whole(lines, diff)


def stripped(lines: Lines, name: bytes, strip: int) -> Name:
    """What a name comes to without its first parts; bytes that are not UTF-8 are kept as the trees keep them.

    Raises:
        UsageError: nothing of it is left without its first part.
    """
    parts = name.decode(errors="surrogateescape").split("/")
    written, path = (re.sub(r"/{2,}", "/", "/".join(parts[taken:])) for taken in (min(strip, 1), strip))
    if not written:
        raise lines.fault(
            f"the name {shown(parts[0])} has no first part, such as a/, that can be taken away",
            hint="for a diff whose names have no a/ and b/, set strip: 0",
        )
    return Name(written, path or None)


class _GitHeader:
    """The header of one file, while it is read."""

    def __init__(self, lines: Lines, strip: int) -> None:
        self._lines = lines
        self._strip = strip
        self._line = lines.at + 1
        self._both = names.twice(lines.peek().removesuffix(b"\n")[len(GIT) :], strip)
        self._kinds: set[Kind] = set()
        self._names: dict[str, Name] = {}
        self._modes: dict[str, int] = {}
        self._contents: tuple[bytes, bytes] | None = None
        self._refusal: str | None = None

    def read(self) -> None:
        """Read the header up to the hunks."""
        lines = self._lines
        lines.at += 1
        while lines and self._take(lines.peek()):
            lines.at += 1
        if lines.peek().startswith(b"--- ") and lines.peek(1).startswith(b"+++ "):
            self._take_names(bare(lines.peek())[4:], bare(lines.peek(1))[4:])
            lines.at += 2
            if not lines.peek().startswith(b"@@ -"):
                raise self._fault("no hunk follows the names of the file", hint=_TRUNCATED)
        elif _is_binary(bare(lines.peek())):
            self._refusal = "is binary"
            lines.at += 1
        if lines.at == self._line:
            raise self._fault("nothing follows this line of a header", hint=_TRUNCATED)

    def diff(self, hunks: tuple[Hunk, ...]) -> FileDiff:
        """What the header says, with the hunks that follow it."""
        kind = next(iter(self._kinds), Kind.EDIT)
        old, new = self._sides(kind)
        if not hunks and self._refusal is None:
            self._check_complete(kind)
        return FileDiff(
            self._line, kind, old, new, hunks, self._modes.get("old"), self._modes.get("new"), self._refusal
        )

    def _take(self, line: bytes) -> bool:
        for word, take in _EXTENSIONS.items():
            if line.startswith(word):
                if not line.endswith(b"\n"):
                    raise self._lines.fault("the diff ends within this line", hint=_TRUNCATED)
                take(self, bare(line)[len(word) :])
                if len(self._kinds) > 1:
                    raise self._fault(f"the header says of one file: {' and '.join(sorted(self._kinds))}")
                return True
        return False

    def take_mode(self, side: str, field: bytes) -> None:
        """Take a mode."""
        if not _MODE.fullmatch(field.rstrip()):
            raise self._lines.fault("this is not a file's mode, such as 100644", hint=_TRUNCATED)
        mode = int(field, 8)
        self._take_type(mode)
        self._modes[side] = 0o755 if mode & 0o100 else 0o644

    def take_whole(self, kind: Kind, field: bytes) -> None:
        """Take that the whole file comes or goes; which mode one has that goes is of no account."""
        self._kinds.add(kind)
        self.take_mode("new" if kind is Kind.CREATE else "gone", field)
        if self._both is not None:
            side = "new" if kind is Kind.CREATE else "old"
            self._names[side] = stripped(self._lines, self._both, self._strip)

    def take_path(self, kind: Kind, side: str, field: bytes) -> None:
        """Take one side of a renaming or a copy, which is written without a prefix."""
        self._kinds.add(kind)
        name = names.whole(field)
        self._names[side] = stripped(self._lines, b"a/" + name if self._strip else name, self._strip)

    def take_contents(self, field: bytes) -> None:
        """Take what the contents are called, and of which type the file is."""
        match = _INDEX.match(field)
        if match:
            self._contents = match[1], match[2]
        if match and match[3]:
            stated = self._modes.get("old")
            self.take_mode("kept", match[3])
            if stated not in (None, self._modes["kept"]):
                raise self._fault("the header says two modes of the file before")

    def take_nothing(self, field: bytes) -> None:
        """Take what is only for people."""

    def _take_type(self, mode: int) -> None:
        if not stat.S_ISREG(mode):
            self._refusal = _TYPES.get(stat.S_IFMT(mode), "is not a regular file")

    def _take_names(self, old: bytes, new: bytes) -> None:
        missing = {Kind.CREATE: "old", Kind.DELETE: "new"}.get(next(iter(self._kinds), Kind.EDIT))
        for side, field in (("old", old), ("new", new)):
            if names.is_null(field) != (side == missing):
                raise self._fault(f"the {side} name does not fit the header: is the file there or not?")
            if side != missing:
                name = stripped(self._lines, names.named(field), self._strip)
                known = self._names.setdefault(side, name)
                if known.path != name.path:
                    raise self._fault(f"the {side} name is {known} in the header, and then {name}")

    def _sides(self, kind: Kind) -> tuple[Name, Name]:
        if not self._names and self._both is not None:
            name = stripped(self._lines, self._both, self._strip)
            self._names = {"old": name, "new": name}
        old, new = self._names.get("old"), self._names.get("new")
        if kind in (Kind.CREATE, Kind.DELETE):
            old = new = new or old
        if old is None or new is None:
            raise self._fault("the header does not say which file it is for", hint=f"is strip right? {_TRUNCATED}")
        if old.path != new.path and not self._kinds:
            raise self._fault(
                f"the header names two files, {old} and {new}, and says of no renaming",
                hint="is strip right? Names in diffs of git begin with a/ and b/, and want strip: 1",
            )
        if old.path == new.path and kind in (Kind.RENAME, Kind.COPY):
            raise self._fault(f"by the header, {old} is to become {new}, which is the same file")
        return old, new

    def _check_complete(self, kind: Kind) -> None:
        """See that the header may stand without any hunk."""
        before, after = self._contents or (b"", b"")
        if before != after:
            blob = {Kind.CREATE: after, Kind.DELETE: before}.get(kind)
            if blob is None or not any(name.startswith(blob) for name in _EMPTY_BLOBS):
                raise self._fault("the content changes by the header, and no hunk follows", hint=_TRUNCATED)
        elif not self._kinds and not self._changes_mode():
            raise self._fault("the header changes nothing, and no hunk follows", hint=_TRUNCATED)

    def _changes_mode(self) -> bool:
        return {"old", "new"} <= self._modes.keys() and self._modes["old"] != self._modes["new"]

    def _fault(self, problem: str, *, hint: str | None = None) -> UsageError:
        return self._lines.fault(problem, line=self._line, hint=hint)


_TRUNCATED = "is the diff truncated, or was it edited by hand?"

_EXTENSIONS: dict[bytes, Callable[[_GitHeader, bytes], None]] = {
    b"index ": _GitHeader.take_contents,
    b"old mode ": lambda header, field: header.take_mode("old", field),
    b"new mode ": lambda header, field: header.take_mode("new", field),
    b"new file mode ": lambda header, field: header.take_whole(Kind.CREATE, field),
    b"deleted file mode ": lambda header, field: header.take_whole(Kind.DELETE, field),
    b"rename from ": lambda header, field: header.take_path(Kind.RENAME, "old", field),
    b"rename to ": lambda header, field: header.take_path(Kind.RENAME, "new", field),
    b"rename old ": lambda header, field: header.take_path(Kind.RENAME, "old", field),
    b"rename new ": lambda header, field: header.take_path(Kind.RENAME, "new", field),
    b"copy from ": lambda header, field: header.take_path(Kind.COPY, "old", field),
    b"copy to ": lambda header, field: header.take_path(Kind.COPY, "new", field),
    b"similarity index ": _GitHeader.take_nothing,
    b"dissimilarity index ": _GitHeader.take_nothing,
}
"""Git's extended header lines (git-diff(1), "Generating patch text with -p")."""


def _is_binary(line: bytes) -> bool:
    return line == b"GIT binary patch" or BINARY.fullmatch(line) is not None


def _whole(lines: Lines, diff: FileDiff) -> FileDiff:
    """The diff of a file that comes or goes, which has one side only; or any other one.

    Raises:
        UsageError: it has the other side, too.
    """
    for hunk in diff.hunks:
        other = {Kind.CREATE: hunk.old, Kind.DELETE: hunk.new}.get(diff.kind)
        if other and other.lines:
            done = "new" if diff.kind is Kind.CREATE else "deleted"
            raise lines.fault(f"{diff.new} is a {done} file, and this hunk has lines of another one", line=hunk.line)
    if diff.kind in (Kind.CREATE, Kind.DELETE) and len(diff.hunks) > 1:
        raise lines.fault("a file is created or deleted in one hunk, and this is a second one", line=diff.hunks[1].line)
    return diff
