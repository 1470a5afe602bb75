"""Source trees from a directory and from a wheel."""

from __future__ import annotations

import calendar
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from m2build.errors import ContentError, StorageError, UsageError
from m2build.patches.tree import SourceFile, SourceTree

_SKIPPED = frozenset({"__pycache__", ".git", ".hg", ".svn", ".m2build"})
"""Folders of a working directory that hold no sources."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, IndexError, OSError, RuntimeError,
            ValueError)  # fmt: skip
"""What `zipfile` raises for archives that are not as they were written, or ask for what it does not know."""


def from_directory(path: Path) -> SourceTree:
    """The tree below a directory: the folder that holds the top-level packages.

    Files are read when they are looked at, and once only. Caches and version control are left out.

    Raises:
        UsageError: there is no such directory.
        StorageError: it cannot be read.
    """
    if not path.is_dir():
        raise UsageError(f"{path} is not a directory", hint="give the folder that holds the package, as dir:PATH")
    files: dict[str, SourceFile] = {}
    links: dict[str, str] = {}
    try:
        for entry in _walk(path):
            relative = Path(entry.path).relative_to(path).as_posix()
            if entry.is_symlink():
                links[relative] = str(Path(entry.path).readlink())
            elif entry.is_file():
                status = entry.stat()
                files[relative] = SourceFile(stat.S_IMODE(status.st_mode), status.st_size, partial(_read, entry.path))
    except OSError as error:
        raise StorageError(f"{error.filename or path} cannot be read: {error.strerror}") from error
    return SourceTree(files, origin=f"dir:{path}", links=links)


def from_wheel(path: Path) -> SourceTree:
    """The tree that a wheel installs, without its metadata; the release is the one in the wheel's file name.

    Raises:
        UsageError: there is no such file.
        ContentError: it is not a wheel, or it is damaged.
    """
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise UsageError(f"there is no wheel {path}", hint="check the path after wheel:") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    except _DAMAGED as error:
        raise ContentError(f"{path} is not a wheel, or it is truncated: {error}") from error
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir() and not _is_metadata(member.filename)]
        files = {member.filename: _from_member(archive, member) for member in members}
    name_and_version = path.name.split("-")
    release = name_and_version[1] if path.suffix == ".whl" and len(name_and_version) >= 5 else None
    newest = max(map(_timestamp, members), default=0)
    return SourceTree(files, origin=f"wheel:{path}", release=release, timestamp=newest)


def _walk(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    yield from _walk(entry.path)
            else:
                yield entry


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error


def _is_metadata(name: str) -> bool:
    return name.partition("/")[0].endswith((".dist-info", ".data"))


def _from_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> SourceFile:
    parts = member.filename.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise ContentError(f"{archive.filename} holds a member outside its tree: {member.filename!r}")
    mode = stat.S_IMODE(member.external_attr >> 16) or 0o644
    content = _content(archive, member)
    return SourceFile.of(content, mode)


def _timestamp(member: zipfile.ZipInfo) -> int:
    """Seconds since the epoch; 0 for the date of zeros that some tools write."""
    try:
        return calendar.timegm((*member.date_time, 0, 0, 0))
    except ValueError:
        return 0


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(member)
    except _DAMAGED as error:
        raise ContentError(f"{archive.filename} is damaged at {member.filename}: {error}") from error
