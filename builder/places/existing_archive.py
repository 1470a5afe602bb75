"""Whether an existing archive is the one that would be written; only the archive is read, not the image."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import BinaryIO

from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Blobs
from m2build.places.tar_header import END, header, padding
from m2build.places.transfer import CHUNK
from m2build.progress import Progress


class _DifferentError(Exception):
    """The archive differs here."""


class ExistingArchive:
    """An archive that is compared, member by member, with what would be written.

    Blobs and layers are compared by digest, so that those of a remote image are not fetched.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def add(self, name: str, data: bytes) -> None:
        """Expect a small file next."""
        self._expect(header(name, len(data)) + data + padding(len(data)))

    def add_blob(self, name: str, blobs: Blobs, descriptor: Descriptor, progress: Progress) -> None:  # noqa: ARG002 - see above
        """Expect a blob next."""
        self._expect(header(name, descriptor.size))
        self._expect_bytes(descriptor.digest, descriptor.size)

    def add_layer(self, name: str, diff_id: Digest, layer: Callable[[], AbstractContextManager[BinaryIO]]) -> None:  # noqa: ARG002 - see above
        """Expect a layer's tar next, of any size."""
        found = self._file.read(len(header(name, 0)))
        try:
            size = tarfile.TarInfo.frombuf(found[-tarfile.BLOCKSIZE :], "utf-8", "strict").size
        except (tarfile.TarError, ValueError) as error:
            raise _DifferentError from error
        if size < 0 or found != header(name, size):
            raise _DifferentError
        self._expect_bytes(diff_id, size)

    def close(self) -> None:
        """Expect the end."""
        self._expect(END)
        if self._file.read(1):
            raise _DifferentError

    def _expect(self, data: bytes) -> None:
        if self._file.read(len(data)) != data:
            raise _DifferentError

    def _expect_bytes(self, digest: Digest, size: int) -> None:
        found, left = hashlib.new(digest.algorithm), size
        while left and (chunk := self._file.read(min(CHUNK, left))):
            found.update(chunk)
            left -= len(chunk)
        if left or found.hexdigest() != digest.hex:
            raise _DifferentError
        self._expect(padding(size))


def is_same(archive: ExistingArchive, fill: Callable[[], None]) -> bool:
    """Whether an archive holds exactly what `fill` adds."""
    try:
        fill()
        archive.close()
    except _DifferentError:
        return False
    return True
