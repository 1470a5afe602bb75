"""A folder whose files are reached without leaving it: no `..`, and no link on the way or at the end.

This is checked when a file is opened, one component after the other (openat(2) with O_NOFOLLOW), not by comparing
paths: what was checked is what is used, whatever others do to the folder meanwhile.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PIECE = 1 << 20
_TOGETHER = 64
"""Files that are open at once until they are synced; a process may have 1,024 as a rule."""


class PathRefusedError(OSError):
    """A path that leaves its folder, or is not the expected kind of file.

    `strerror` says what, as the end of a sentence that begins with the path.
    """


@dataclass(frozen=True)
class NewFile:
    """A file to write.

    Attributes:
        path: where.
        content: its bytes.
        mode: its mode, of which only the permission bits count.
        owner: the user and the group that it is given to, where that is allowed; None for those of this process.
    """

    path: str
    content: bytes
    mode: int
    owner: tuple[int, int] | None = None


class HeldFolder:
    """A folder, held open. Paths are relative to it, with `/`; every method raises what the file system raises.

    Each also raises `PathRefusedError` for a path that is absolute, goes up, or passes a link.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        """Use an open descriptor, which the caller closes.

        Args:
            descriptor: of the folder.
            path: the folder's name in messages.
        """
        self.descriptor = descriptor
        self.path = path
        self._inside: list[tuple[str, int]] = []
        self._stays = False

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Keep the folders of each path open for the next one, which is reached sooner if it is beside it or near it.

        A folder that another process moves away meanwhile may be changed where it is then.
        """
        self._stays = True
        try:
            yield
        finally:
            self._stays = False
            self._leave()

    def status(self, path: str) -> os.stat_result | None:
        """The status of what is at a path, links not followed; None if there is nothing."""
        with suppress(FileNotFoundError), self._within(path) as (folder, name):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
        return None

    def digest(self, path: str) -> str:
        """The SHA-256 of a regular file, read piece by piece."""
        digest = hashlib.sha256()
        for piece in self._pieces(path):
            digest.update(piece)
        return digest.hexdigest()

    def read(self, path: str, limit: int) -> bytes:
        """The content of a regular file of at most `limit` bytes."""
        content = bytearray()
        for piece in self._pieces(path):
            content += piece
            if len(content) > limit:
                raise self._refused(path, f"is larger than {limit:,} bytes")
        return bytes(content)

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; none if it does not exist."""
        with suppress(FileNotFoundError), self._within(f"{path}/.names") as (folder, _):
            return sorted(os.listdir(folder))  # noqa: PTH208 - pathlib knows no descriptors
        return []

    def write(self, path: str, content: bytes, mode: int) -> None:
        """Write a new file; folders above it are made. Only the permission bits of the mode count."""
        with self._create(NewFile(path, content, mode)):
            pass

    def write_through(self, files: Iterable[NewFile]) -> None:
        """Write new files, and sync them to disk.

        Many are written before the first of them is synced: file systems with a journal then write less into it.
        """
        files = iter(files)
        while batch := list(islice(files, _TOGETHER)):
            with ExitStack() as stack:
                for descriptor in [stack.enter_context(self._create(file)) for file in batch]:
                    os.fsync(descriptor)

    def link(self, path: str, destination: str) -> None:
        """Make a symbolic link; folders above it are made."""
        with self._within(path, make=True) as (folder, name):
            os.symlink(destination, name, dir_fd=folder)

    def rename(self, old: str, new: str) -> None:
        """Rename a file or folder; it replaces a file at the new name."""
        with ExitStack() as stack:
            with self._within(old) as (folder, old_name):
                source = os.dup(folder)
                stack.callback(os.close, source)
            with self._within(new, make=True) as (target, new_name):
                os.replace(old_name, new_name, src_dir_fd=source, dst_dir_fd=target)

    def remove(self, path: str) -> None:
        """Remove a file or a link, if it exists."""
        with suppress(FileNotFoundError), self._within(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def remove_tree(self, path: str) -> None:
        """Remove a folder with all that is in it, as far as possible."""
        with suppress(OSError), self._within(path) as (folder, name):
            shutil.rmtree(name, ignore_errors=True, dir_fd=folder)

    def prune(self, path: str) -> None:
        """Remove the empty folders above a path.

        Raises:
            OSError: one is empty, and cannot be removed.
        """
        while "/" in path:
            path = path.rpartition("/")[0]
            try:
                with self._within(path) as (folder, name):
                    os.rmdir(name, dir_fd=folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    return
                raise

    def sync_above(self, path: str) -> None:
        """Sync the names of a path's folder to disk, if the folder exists."""
        with suppress(FileNotFoundError), self._within(path) as (folder, _):
            os.fsync(folder)

    @contextmanager
    def _create(self, file: NewFile) -> Iterator[int]:
        """A new file with its content, still open."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._within(file.path, make=True) as (folder, name):
            descriptor = os.open(name, flags, 0o600, dir_fd=folder)
        try:
            os.fchmod(descriptor, file.mode & 0o777)
            if file.owner:
                with suppress(PermissionError):
                    os.fchown(descriptor, *file.owner)
            left = memoryview(file.content)
            while left:
                left = left[os.write(descriptor, left) :]
            yield descriptor
        finally:
            os.close(descriptor)

    def _pieces(self, path: str) -> Iterator[bytes]:
        """The content of a regular file. Nothing else is opened: opening a device may have effects."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        with self._within(path) as (folder, name):
            if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise self._refused(path, "is not a regular file")
            descriptor = os.open(name, flags, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise self._refused(path, "is not a regular file")
            while piece := os.read(descriptor, _PIECE):
                yield piece
        finally:
            os.close(descriptor)

    @contextmanager
    def _within(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """A path's folder, open until the next path is looked for, and the path's last name."""
        *above, name = parts = path.split("/")
        if not {"", ".", ".."}.isdisjoint(parts) or "\0" in path:
            raise self._refused(path, "is outside its folder")
        try:
            self._leave(above)
            for folder in above[len(self._inside) :]:
                self._inside.append((folder, self._enter(self._innermost, folder, path, make=make)))
            yield self._innermost, name
        finally:
            if not self._stays:
                self._leave()

    @property
    def _innermost(self) -> int:
        return self._inside[-1][1] if self._inside else self.descriptor

    def _leave(self, above: Sequence[str] = ()) -> None:
        """Close the folders that are open, save those on the way to others."""
        both = zip(self._inside, above, strict=False)
        kept = sum(1 for _ in takewhile(lambda pair: pair[0][0] == pair[1], both))
        while len(self._inside) > kept:
            os.close(self._inside.pop()[1])

    def _enter(self, descriptor: int, folder: str, path: str, *, make: bool) -> int:
        try:
            return os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
        except FileNotFoundError:
            if not make:
                raise
        except NotADirectoryError as error:
            if stat.S_ISLNK(os.stat(folder, dir_fd=descriptor, follow_symlinks=False).st_mode):
                raise self._refused(path, f"is reached through {folder!r}, a symbolic link") from error
            raise self._refused(path, f"is below {folder!r}, which is not a folder") from error
        with suppress(FileExistsError):
            os.mkdir(folder, dir_fd=descriptor)
        return self._enter(descriptor, folder, path, make=False)

    def _refused(self, path: str, problem: str) -> PathRefusedError:
        return PathRefusedError(0, problem, str(self.path / path.lstrip("/")))


@contextmanager
def hold(path: Path) -> Iterator[HeldFolder]:
    """Hold a folder open that a user names; the path to it may have links. Raises what the file system raises."""
    descriptor = os.open(path, _FOLDER)
    try:
        yield HeldFolder(descriptor, path)
    finally:
        os.close(descriptor)
