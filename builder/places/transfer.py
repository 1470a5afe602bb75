"""Copying blobs, checked, with progress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from m2build.local.atomic import atomic_file
from m2build.local.durable import sync_file
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Blobs, VerifiedReader, fetched_again, open_blob
from m2build.places.spool import Kept
from m2build.progress import Progress

CHUNK = 1 << 20


def put_blob(blobs: Blobs, descriptor: Descriptor, path: Path, progress: Progress) -> None:
    """Write one blob to a file: moved if a copy was kept in this file system, else copied.

    Raises:
        ContentError: it is missing, truncated or altered; the file is not made then.
    """
    fetched_again(lambda: _put(blobs, descriptor, path, progress))


def _put(blobs: Blobs, descriptor: Descriptor, path: Path, progress: Progress) -> None:
    stream = blobs.open(descriptor)
    with VerifiedReader(stream, descriptor.digest, descriptor.size) as reader:
        if isinstance(stream, Kept) and stream.move(path):
            return
        with atomic_file(path) as out:
            _copy(reader, descriptor, out, progress)
            sync_file(out)


def copy_blob(blobs: Blobs, descriptor: Descriptor, out: BinaryIO, progress: Progress) -> None:
    """Copy one blob.

    Raises:
        ContentError: it is missing, truncated or altered; what was written must not be used.
    """

    def write() -> None:
        with open_blob(blobs, descriptor) as reader:
            _copy(reader, descriptor, out, progress)

    written_again(out, write)


def written_again(out: BinaryIO, write: Callable[[], None]) -> None:
    """Write fetched bytes, and again from the same position if they were altered over a network and `out` can seek.

    Raises:
        ContentError: they stay altered, or have another fault.
    """
    if not out.seekable():
        write()
        return
    beginning = out.tell()

    def job() -> None:
        if out.tell() != beginning:
            out.seek(beginning)
            out.truncate()
        write()

    fetched_again(job)


def _copy(reader: VerifiedReader, descriptor: Descriptor, out: BinaryIO, progress: Progress) -> None:
    label = descriptor.digest.hex[:12]
    while chunk := reader.read(CHUNK):
        out.write(chunk)
        progress.transfer(label, reader.count, descriptor.size)
