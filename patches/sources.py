"""Source trees from a directory and from a wheel."""

from __future__ import annotations

import calendar
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from io import BufferedReader, RawIOBase
from pathlib import Path

from m2build.documents.arguments import typed_arguments
from m2build.errors import ContentError, StorageError, UsageError
from m2build.local.reading import LARGEST_SOURCE, UnfitFileError, open_regular, read_regular
from m2build.patches.tree import MOST_SEARCHED, SourceFile, SourceTree

SKIPPED = frozenset({"__pycache__", ".git", ".hg", ".svn", ".m2build"})
"""Folders of a working directory that hold no sources."""
MOST_FILES = 200_000
"""Files in one folder of sources, which take some 150 MB; a whole site-packages with PyTorch has half of that."""
LARGEST_DIRECTORY = 4 << 20
"""Bytes of a wheel's central directory, which `zipfile` reads at once and makes some fifteen times as much of; that of
PyTorch's wheel, with 12,000 files, has 1.3 MB."""
LARGEST_FOLDER = 512 << 20
"""Bytes of all Python files in a folder; a whole site-packages with PyTorch has some 300 MB."""
LARGEST_WHEEL = 64 << 20
MOST_INFLATED = 10
"""A wheel's Python files may have so many bytes, and so many times the wheel's own; SGLang's has four times its own."""
_PIECE = 1 << 20
_ENCRYPTED = 1
"""The bit of a member's flags (PKWARE's APPNOTE, 4.4.4)."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How a wheel's members may be compressed: as PyPI's are. `zipfile` unpacks other methods without any bound."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, IndexError, OSError, RuntimeError, ValueError)
"""What `zipfile` raises for archives that are not as they were written, or ask for what it does not know."""


@typed_arguments
def from_directory(path: Path) -> SourceTree:
    """The tree below a directory: the folder that holds the top-level packages.

    Files are read when they are looked at, and once only. Caches and version control are left out.

    Raises:
        UsageError: there is no such directory.
        ContentError: it holds more files than any sources do.
        StorageError: it cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "app.py").write_text("x = 1")
        ...     from_directory(Path(folder))["app.py"].content
        b'x = 1'
    """
    top, files, links = str(path), dict[str, SourceFile](), dict[str, str]()
    try:
        if not path.is_dir():
            raise UsageError(f"{path} is not a directory", hint="give the folder that holds the package, as dir:PATH")
        for entry in _walk(path):
            relative = entry.path[len(top) :].lstrip("/")
            if entry.is_symlink():
                links[relative] = str(Path(entry.path).readlink())
            elif entry.is_file():
                status = entry.stat()
                read, pieces = partial(_read, entry.path), partial(_pieces, entry.path)
                files[relative] = SourceFile(stat.S_IMODE(status.st_mode), status.st_size, read, pieces)
            if len(files) + len(links) > MOST_FILES:
                raise ContentError(
                    f"{path} holds more than {MOST_FILES:,} files", hint="name the folder that holds the package"
                )
    except OSError as error:
        raise StorageError(f"{error.filename or path} cannot be read: {error.strerror}") from error
    _check_total(path, files, LARGEST_FOLDER)
    return SourceTree(files, origin=f"dir:{path}", links=links)


@typed_arguments
def from_wheel(path: Path) -> SourceTree:
    """The tree that a wheel installs, with scripts and entry points beside it; the release is the file name's.

    Raises:
        UsageError: there is no such file.
        ContentError: it is not a wheel, or it is damaged.
        StorageError: it cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     wheel = Path(folder, "app-1.2-py3-none-any.whl")
        ...     with zipfile.ZipFile(wheel, "w") as archive:
        ...         archive.writestr("app.py", "x = 1")
        ...     from_wheel(wheel).release
        '1.2'
    """
    try:
        archive = zipfile.ZipFile(_Archive(open_regular(path).detach(), path))
    except FileNotFoundError as error:
        raise UsageError(f"there is no wheel {path}", hint="check the path after wheel:") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    except _DAMAGED as error:
        raise ContentError(f"{path} is not a wheel, or it is truncated: {error}") from error
    everything = [member for member in archive.infolist() if not member.is_dir()]
    members = [member for member in everything if not _is_metadata(member.filename)]
    files = {member.filename: _from_member(archive, path, member) for member in members}
    beside = {member.filename: _from_member(archive, path, member) for member in everything if _is_run(member.filename)}
    _check_total(path, files, LARGEST_WHEEL + MOST_INFLATED * path.stat().st_size)
    name_and_version = path.name.split("-")
    release = name_and_version[1] if path.suffix == ".whl" and len(name_and_version) >= 5 else None
    newest = max(map(_timestamp, members), default=0)
    return SourceTree(files, origin=f"wheel:{path}", release=release, timestamp=newest, beside=beside)


class _Archive(BufferedReader):
    """An archive's file, of which `zipfile` reads no more at once than a central directory may have."""

    def __init__(self, file: RawIOBase, path: Path) -> None:
        super().__init__(file)
        self._path = path

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > LARGEST_DIRECTORY:
            raise ContentError(f"{self._path} has a directory of more than {LARGEST_DIRECTORY:,} bytes")
        return super().read(size)

    def __del__(self) -> None:
        self.close()  # the tree that is read from it may live as long as the process


def _walk(top: Path) -> Iterator[os.DirEntry[str]]:
    """What is below a folder and no folder itself; folders may be nested as deeply as the file system lets them."""
    folders = [str(top)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    yield entry
                elif entry.name not in SKIPPED:
                    folders.append(entry.path)


def _read(path: str) -> bytes:
    try:
        return read_regular(path, LARGEST_SOURCE)
    except UnfitFileError as error:
        raise ContentError(f"{path} {error.strerror}", hint="a patch reads this file; is it a source file?") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error


def _pieces(path: str) -> Iterator[bytes]:
    try:
        with open_regular(path) as file:
            yield from iter(partial(file.read, _PIECE), b"")
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error


def _check_total(path: Path, files: Mapping[str, SourceFile], most: int) -> None:
    """Stop before files are read, and kept, that are larger than all Python sources of anything.

    Those that are too large to be kept are only looked through.
    """
    sizes = [file.size for name, file in files.items() if name.endswith((".py", ".pyi"))]
    kept = sum(size for size in sizes if size <= LARGEST_SOURCE)
    looked_through = sum(size for size in sizes if LARGEST_SOURCE < size <= MOST_SEARCHED)
    for total, bound in ((kept, most), (looked_through, LARGEST_FOLDER)):
        if total > bound:
            raise ContentError(f"{path} holds Python files of more than {bound:,} bytes together")


def _is_metadata(name: str) -> bool:
    return name.partition("/")[0].endswith((".dist-info", ".data"))


def _is_run(name: str) -> bool:
    """Whether a member is not a source and yet may name modules: entry points, scripts, and files for elsewhere."""
    top, _, rest = name.partition("/")
    return (top.endswith(".dist-info") and rest == "entry_points.txt") or top.endswith(".data")


def _from_member(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo) -> SourceFile:
    parts = member.filename.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise ContentError(f"{path} holds a member outside its tree: {member.filename!r}")
    mode = stat.S_IMODE(member.external_attr >> 16) & 0o777 or 0o644
    whole, pieces = partial(_content, archive, path, member), partial(_member_pieces, archive, path, member)
    return SourceFile(mode, member.file_size, whole, pieces)


def _timestamp(member: zipfile.ZipInfo) -> int:
    """Seconds since the epoch; 0 for the date of zeros that some tools write."""
    try:
        return calendar.timegm((*member.date_time, 0, 0, 0))
    except ValueError:
        return 0


def _content(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, read when they are needed: a wheel may hold gigabytes that concern no patch."""
    if member.file_size > LARGEST_SOURCE:
        raise ContentError(
            f"{path} holds {member.filename} with more than {LARGEST_SOURCE:,} bytes, the limit for a source file"
        )
    if member.compress_type not in _METHODS:
        raise ContentError(f"{path} has {member.filename} compressed by another method than deflate")
    if member.flag_bits & _ENCRYPTED:
        raise ContentError(f"{path} has {member.filename} encrypted")
    try:
        return archive.read(member)
    except _DAMAGED as error:
        raise ContentError(f"{path} is damaged at {member.filename}: {error}") from error


def _member_pieces(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(member) as file:
            yield from iter(partial(file.read, _PIECE), b"")
    except _DAMAGED as error:
        raise ContentError(f"{path} is damaged at {member.filename}: {error}") from error
