"""Diffs from files: one `.patch`, or a folder of them: quilt's, with its `series`, or what `git format-patch` wrote."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from m2build.documents.arguments import typed_arguments
from m2build.documents.shown import shown
from m2build.errors import StorageError, UsageError
from m2build.importing.found import FoundDiff, diffs_in
from m2build.local.reading import UnfitFileError, read_given
from m2build.patches.vendored import LARGEST_VENDORED

_SUFFIXES = (".patch", ".diff")
_LARGEST_SERIES = 1 << 20
_COMMENT = re.compile(r"(^|\s)#.*")
"""As quilt(1) takes it: a `#` within a name belongs to the name."""
_STRIP = re.compile(r"-p([0-9]{1,2})|-p(ab)")


@typed_arguments
def diff_file(path: Path) -> tuple[FoundDiff, ...]:
    """The diffs in a file: several if it holds several mails.

    Raises:
        UsageError: there is no such file, or it is too large.
        StorageError: it cannot be read.
    """
    return diffs_in(path.name, _read(path, LARGEST_VENDORED))


@typed_arguments
def diff_folder(path: Path) -> tuple[FoundDiff, ...]:
    """The diffs in a folder: those that its file `series` lists, as quilt(1) reads it, or all by their names.

    Raises:
        UsageError: there is no such folder, it holds no diffs, or a line of `series` is not understood.
        StorageError: something cannot be read.
    """
    if not path.is_dir():
        raise UsageError(f"{path} is not a folder", hint="name a folder with a file series, or with *.patch files")
    series = path / "series"
    if series.exists():
        return tuple(_listed(series))
    try:
        names = sorted(entry.name for entry in path.iterdir() if entry.name.endswith(_SUFFIXES))
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    if not names:
        raise UsageError(f"{path} holds neither a file series nor files that end in .patch or .diff")
    return tuple(found for name in names for found in diff_file(path / name))


def _listed(series: Path) -> Iterator[FoundDiff]:
    text = _read(series, _LARGEST_SERIES).decode(errors="surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        try:
            words = shlex.split(_COMMENT.sub("", line))
        except ValueError as error:
            raise UsageError(f"{series}:{number}: a quotation mark is never closed") from error
        if not words:
            continue
        name, *options = words
        if not {"", ".", ".."}.isdisjoint(name.split("/")):
            raise UsageError(f"{series}:{number}: {shown(name)} is not a file in this folder")
        strip = 1
        for option in options:
            match = _STRIP.fullmatch(option)
            if match is None:
                raise UsageError(
                    f"{series}:{number}: the option {shown(option)} is not understood", hint="as in: name.patch -p1"
                )
            strip = int(match[1]) if match[1] else 1
        for found in diff_file(series.parent / name):
            yield replace(found, strip=strip)


def _read(path: Path, limit: int) -> bytes:
    try:
        return read_given(path, limit)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"there is no file {path}", hint="check the path") from error
    except (UnfitFileError, IsADirectoryError) as error:
        raise UsageError(f"{path}: {error.strerror or 'is a folder'}", hint="name a diff") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
