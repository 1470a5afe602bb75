"""The account of an applied series as it is read back: it comes with a tree, and its author is not known."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from m2build.local.reading import LARGEST_SOURCE
from m2build.patches.sources import SKIPPED
from m2build.patches.tree import FileState

LARGEST_ACCOUNT = 16 << 20
"""Bytes; the account of the series for SGLang has 8 KB."""
MOST_FILES = 20_000
"""Files in one account; SGLang has 1,550 in all."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MODE = re.compile(r"[0-7]{1,6}")


@dataclass(frozen=True)
class RecordedFile:
    """One file of an account: where it was and is, and what it was and became; None for what does not exist."""

    old_path: str
    path: str
    before: FileState | None
    after: FileState | None


def read_account(content: bytes) -> tuple[RecordedFile, ...]:
    """The files of a `changeset.json`.

    Raises:
        ValueError: it is damaged, or names something that is not a path in a source tree; the message says what.
    """
    try:
        files = json.loads(content)["files"]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("it has no files, or is nested too deeply") from error
    if not isinstance(files, list) or len(files) > MOST_FILES:
        raise ValueError(f"its files are not a list of at most {MOST_FILES:,}")
    found = tuple(map(_file, files))
    for paths in ([file.old_path for file in found if file.before], [file.path for file in found if file.after]):
        if len(paths) != len(set(paths)):
            raise ValueError("it names a file twice")
    return found


def _file(entry: object) -> RecordedFile:
    match entry:
        case {"path": str(path), "renamedFrom": str() | None as old, "before": before, "after": after}:
            states = _state(before), _state(after)
            if states != (None, None) and (old is None or None not in states):
                return RecordedFile(_path(path if old is None else old), _path(path), *states)
    raise ValueError("a file in it lacks its path, or its state before and after")


def _state(entry: object) -> FileState | None:
    match entry:
        case None:
            return None
        case {"sha256": str(sha256), "size": int(size), "mode": str(mode)}:
            if _SHA256.fullmatch(sha256) and _MODE.fullmatch(mode) and 0 <= size <= LARGEST_SOURCE:
                return FileState(sha256, size, int(mode, 8) & 0o777)
    raise ValueError(f"a file's state in it is not a SHA-256, a size of at most {LARGEST_SOURCE:,} bytes and a mode")


def _path(path: str) -> str:
    """A path below the tree, and not in one of the folders that hold no sources, as git's own.

    Whether a link stands in its way shows when it is opened.
    """
    parts = path.split("/")
    if not {"", ".", ".."}.isdisjoint(parts) or "\0" in path or not SKIPPED.isdisjoint(map(str.lower, parts)):
        raise ValueError(f"{path[:200]!r} is not a path in a source tree")
    return path
