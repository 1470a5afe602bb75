"""Tar archives of images, written as files or streams; the same image always gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from m2build.errors import UsageError
from m2build.local.failures import storage
from m2build.local.outputs import creating, replacing
from m2build.local.targets import FileTarget, StreamTarget, find_target
from m2build.local.temporary import remove_leftovers, temporary_file, temporary_place
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Blobs
from m2build.places.existing_archive import ExistingArchive, is_same
from m2build.places.tar_header import END, header, padding
from m2build.places.transfer import CHUNK, copy_blob, written_again
from m2build.progress import Progress

Opened = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens a layer's tar; called again if its bytes were altered over a network."""


class Archive(Protocol):
    """An archive to which members are added one by one."""

    def add(self, name: str, data: bytes) -> None:
        """Add a small file."""

    def add_blob(self, name: str, blobs: Blobs, descriptor: Descriptor, progress: Progress) -> None:
        """Add a blob, streamed and checked.

        Raises:
            ContentError: it is missing, truncated or altered.
        """

    def add_layer(self, name: str, diff_id: Digest, layer: Opened) -> None:
        """Add a layer's tar, whose size is known only at its end.

        Raises:
            ContentError: the layer is missing, truncated or altered.
        """


class NewArchive:
    """An archive that is being written to a file."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def add(self, name: str, data: bytes) -> None:
        """Add a small file."""
        self._out.write(header(name, len(data)) + data + padding(len(data)))

    def add_blob(self, name: str, blobs: Blobs, descriptor: Descriptor, progress: Progress) -> None:
        """Add a blob, streamed and checked."""
        self._out.write(header(name, descriptor.size))
        copy_blob(blobs, descriptor, self._out, progress)
        self._out.write(padding(descriptor.size))

    def add_layer(self, name: str, diff_id: Digest, layer: Opened) -> None:  # noqa: ARG002 - it is checked as it is read
        """Add a layer's tar; its header is rewritten when its size is known."""
        start = self._out.tell()
        self._out.write(header(name, 0))
        size = _fetch(layer, self._out)
        self._out.write(padding(size))
        end = self._out.tell()
        self._out.seek(start)
        self._out.write(header(name, size))
        self._out.seek(end)

    def close(self) -> None:
        """Write the end of the archive."""
        self._out.write(END)


class StreamedArchive(NewArchive):
    """An archive that is being written to a stream, where no header can be rewritten."""

    def add_layer(self, name: str, diff_id: Digest, layer: Opened) -> None:  # noqa: ARG002 - it is checked as it is read
        """Add a layer's tar; it is kept in `TMPDIR` until its size is known."""
        with temporary_file(temporary_place(), 0o600) as (_, kept):
            size = _fetch(layer, kept)
            kept.seek(0)
            self._out.write(header(name, size))
            _copy(kept, self._out)
        self._out.write(padding(size))


def write_archive(path: Path, fill: Callable[[Archive], None], *, replace: bool, progress: Progress) -> None:
    """Write an archive, unless the same one exists.

    A device, a FIFO or stdout is written directly. A file appears complete and synced to disk, or stays unchanged.

    Args:
        path: where it goes.
        fill: adds the members, the same ones whenever it is called.
        replace: whether an existing file may be replaced.
        progress: receives that a file exists and is compared.

    Raises:
        UsageError: another file exists and `replace` is not set, or it is not a file, or it is a terminal.
        StorageError: it cannot be written; nothing is left behind.
    """
    with storage(path, "written"):
        remove_leftovers()
        match find_target(path):
            case StreamTarget() as stream:
                _write_stream(stream, fill)
            case FileTarget() as target:
                remove_leftovers(target.path.parent)
                if replace or target.status is None:
                    _write_file(target, fill, replace=replace)
                else:
                    progress.step(f"comparing the existing {path}")
                    _check_same(target, fill)


def check_stream(stream: StreamTarget) -> None:
    """Refuse to write an archive to a terminal.

    Raises:
        UsageError: the stream is one.
    """
    if stream.is_terminal:
        raise UsageError(
            f"{stream.path} is a terminal, and an archive is binary",
            hint="write it to a file or pipe it, as in `… -o docker-archive:- | docker load`",
        )


def _write_stream(stream: StreamTarget, fill: Callable[[Archive], None]) -> None:
    check_stream(stream)
    with stream.open() as out:
        archive = StreamedArchive(out)
        fill(archive)
        archive.close()


def _write_file(target: FileTarget, fill: Callable[[Archive], None], *, replace: bool) -> None:
    try:
        with (replacing if replace else creating)(target) as out:
            archive = NewArchive(out)
            fill(archive)
            archive.close()
    except FileExistsError:  # another process was faster
        _check_same(target, fill)


def _check_same(target: FileTarget, fill: Callable[[Archive], None]) -> None:
    with target.path.open("rb") as file:
        existing = ExistingArchive(file)
        if not is_same(existing, lambda: fill(existing)):
            raise UsageError(
                f"{target.path} exists already, and holds something else",
                hint="name another file, or overwrite this one with --replace",
            )


def _fetch(layer: Opened, out: BinaryIO) -> int:
    size = 0

    def write() -> None:
        nonlocal size
        with layer() as stream:
            size = _copy(stream, out)

    written_again(out, write)
    return size


def _copy(stream: BinaryIO, out: BinaryIO) -> int:
    size = 0
    while chunk := stream.read(CHUNK):
        out.write(chunk)
        size += len(chunk)
    return size
