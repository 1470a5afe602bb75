"""The files of a layout, in a directory or in an archive: one way to read both."""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from m2build.errors import ContentError, StorageError, UsageError
from m2build.local.failures import storage
from m2build.oci.tar_reader import StrictTar

_MOST_FILES = 50_000
"""Headers of one archive; an image has at most 127 layers, with up to three files each."""
_LINKS = 8
"""Links in a row that are followed inside an archive."""


def _absent(path: Path, expected: str, other: str) -> UsageError:
    """The error for a path at which there is nothing, or something else than the expected `file` or `directory`."""
    if path.exists():
        return UsageError(f"{path} is not a {expected}", hint=other)
    return UsageError(f"the {expected} {path} does not exist", hint="check the path after the colon")


class Files(Protocol):
    """Named files that can be read in any order."""

    def open(self, name: str) -> BinaryIO:
        """A stream of one file's bytes.

        Raises:
            ContentError: the file is missing.
        """

    def size(self, name: str) -> int:
        """The length of one file in bytes."""


class FolderFiles:
    """The files of a directory."""

    def __init__(self, folder: Path) -> None:
        with storage(folder, "read"):
            if not folder.is_dir():
                raise _absent(folder, "directory", "oci-archive:FILE or docker-archive:FILE names an archive")
        self._folder = folder

    def open(self, name: str) -> BinaryIO:
        """A stream of one file's bytes."""
        path = self._folder / name
        try:
            file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - it is the caller's
        except IsADirectoryError as error:
            raise ContentError(f"{path} is a directory, not a file") from error
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ContentError(f"{self._folder} has no file {name}") from error
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise ContentError(f"{path} is not a regular file: {error.strerror}") from error
            raise StorageError(f"{path} cannot be read: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise ContentError(f"{path} is not a regular file", hint="copy the layout again, without devices")
        return file

    def size(self, name: str) -> int:
        """The length of one file in bytes."""
        with self.open(name) as file:
            return file.seek(0, io.SEEK_END)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; opening a pipe would wait for a writer."""
    return os.open(path, flags | os.O_NONBLOCK)


class ArchiveFiles:
    """The members of an uncompressed tar archive."""

    def __init__(self, archive: Path) -> None:
        with storage(archive, "read"):
            if not archive.is_file():
                raise _absent(archive, "file", "oci:DIR names a layout, dir:DIR a folder of sources")
        self._archive = archive
        try:
            with storage(archive, "read"), archive.open("rb") as file:
                tar = StrictTar(file, most=_MOST_FILES)
                members = [(str(PurePosixPath(member.name.lstrip("/"))), member) for member in tar.headers()]
                end = tar.offset
        except (tarfile.TarError, EOFError) as error:
            raise ContentError(
                f"{archive} is not a plain tar archive, or it is damaged: {error}",
                hint="decompress a compressed archive first, as with gunzip",
            ) from error
        if end > archive.stat().st_size:
            raise ContentError(f"{archive} is truncated")
        if not members:
            raise ContentError(f"{archive} is an empty archive", hint="fetch it again, or save the image again")
        self._members = dict(members)
        self._counts = Counter(name for name, _ in members)

    def open(self, name: str) -> BinaryIO:
        """A stream of one member's bytes."""
        member = self._member(name)
        with storage(self._archive, "read"):
            return io.BufferedReader(_Section(self._archive, member.offset_data, member.size))

    def size(self, name: str) -> int:
        """The length of one member in bytes."""
        return self._member(name).size

    def _member(self, name: str) -> tarfile.TarInfo:
        for _ in range(_LINKS):
            member = self._members.get(str(PurePosixPath(name)))
            if member is None:
                break
            if self._counts[str(PurePosixPath(name))] > 1:
                raise ContentError(f"{self._archive} holds two files {name}, and tools differ in which they read")
            if member.isreg():
                return member
            # docker before version 25 wrote a layer that stood in the archive already as a link to it.
            target = PurePosixPath(name).parent / member.linkname if member.issym() else PurePosixPath(member.linkname)
            name = _normal(target)
        raise ContentError(f"{self._archive} has no file {name}")


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts = parts[:-1]
        elif part not in (".", "/"):
            parts.append(part)
    return "/".join(parts)


class _Section(io.RawIOBase):
    """A part of a file as a stream of its own."""

    def __init__(self, path: Path, start: int, size: int) -> None:
        self.name = str(path)
        self._file = path.open("rb", buffering=0)
        self._file.seek(start)
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        count = self._file.readinto(view[: min(len(view), self._left)]) or 0
        self._left -= count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
