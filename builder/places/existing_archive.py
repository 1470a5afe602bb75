"""Whether an archive that is there is the one that would be written: its own bytes are read, and no image's."""

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
    """The archive holds something else here."""


class ExistingArchive:
    """An archive that is held, member for member, against what would be written.

    Blobs and layers are told by their digests, so that those of an image elsewhere are not fetched to be compared.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def add(self, name: str, data: bytes) -> None:
        """See that a small file comes next."""
        self._expect(header(name, len(data)) + data + padding(len(data)))

    def add_blob(self, name: str, blobs: Blobs, descriptor: Descriptor, progress: Progress) -> None:  # noqa: ARG002 - see above
        """See that a blob comes next."""
        self._expect(header(name, descriptor.size))
        self._expect_bytes(descriptor.digest, descriptor.size)

    def add_layer(self, name: str, diff_id: Digest, layer: Callable[[], AbstractContextManager[BinaryIO]]) -> None:  # noqa: ARG002 - see above
        """See that a layer's tar comes next, of whatever size."""
        found = self._file.read(len(header(name, 0)))
        try:
            size = tarfile.TarInfo.frombuf(found[-tarfile.BLOCKSIZE :], "utf-8", "strict").size
        except (tarfile.TarError, ValueError) as error:
            raise _DifferentError from error
        if size < 0 or found != header(name, size):
            raise _DifferentError
        self._expect_bytes(diff_id, size)

    def close(self) -> None:
        """See that this is the end."""
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
    """Whether an archive holds what is added to it, and nothing else."""
    try:
        fill()
        archive.close()
    except _DifferentError:
        return False
    return True
