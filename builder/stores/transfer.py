"""Copying blobs, checked, with progress."""

from __future__ import annotations

from typing import BinaryIO

from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Blobs, open_blob
from m2build.progress import Progress

CHUNK = 1 << 20


def copy_blob(blobs: Blobs, descriptor: Descriptor, out: BinaryIO, progress: Progress) -> None:
    """Copy one blob.

    Raises:
        ContentError: it is missing, truncated or altered; what was written then is not to be used.
    """
    label = descriptor.digest.hex[:12]
    with open_blob(blobs, descriptor) as reader:
        while chunk := reader.read(CHUNK):
            out.write(chunk)
            progress.transfer(label, reader.count, descriptor.size)
