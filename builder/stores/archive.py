"""Writing tar archives that hold images: members without times or owners, the file renamed into place at the end."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from m2build.errors import UsageError
from m2build.local.atomic import atomic_file
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Blobs
from m2build.progress import Progress
from m2build.stores.stored import storage
from m2build.stores.transfer import CHUNK, copy_blob


class NewArchive:
    """An archive that is being written."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def add(self, name: str, data: bytes) -> None:
        """Add a small file."""
        self._header(name, len(data))
        self._out.write(data)
        self._pad(len(data))

    def add_blob(self, name: str, blobs: Blobs, descriptor: Descriptor, progress: Progress) -> None:
        """Add a blob, streamed and checked.

        Raises:
            ContentError: it is missing, truncated or altered.
        """
        self._header(name, descriptor.size)
        copy_blob(blobs, descriptor, self._out, progress)
        self._pad(descriptor.size)

    def add_stream(self, name: str, stream: BinaryIO) -> None:
        """Add a file whose size shows only at its end; its header is written once more then."""
        start = self._out.tell()
        self._header(name, 0)
        size = 0
        while chunk := stream.read(CHUNK):
            self._out.write(chunk)
            size += len(chunk)
        self._pad(size)
        end = self._out.tell()
        self._out.seek(start)
        self._header(name, size)
        self._out.seek(end)

    def close(self) -> None:
        """Write the end of the archive."""
        self._out.write(bytes(2 * tarfile.BLOCKSIZE))

    def _header(self, name: str, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size = size
        # GNU's format keeps a size above 8 GiB in the header itself, where it can be written a second time.
        self._out.write(info.tobuf(tarfile.GNU_FORMAT))

    def _pad(self, size: int) -> None:
        self._out.write(bytes(-size % tarfile.BLOCKSIZE))


@contextmanager
def new_archive(path: Path, *, replace: bool) -> Iterator[NewArchive]:
    """An archive to fill.

    Raises:
        UsageError: the file exists and `replace` is not set.
        StorageError: it cannot be written; nothing is left behind.
    """
    with storage(path, "written"):
        if path.is_dir() or (path.exists() and not replace):
            raise UsageError(f"{path} exists already", hint="name another file, or overwrite this one with --replace")
        with atomic_file(path) as out:
            archive = NewArchive(out)
            yield archive
            archive.close()
