"""What stands in a tar archive around the bytes of its members: headers without times or owners, padding, the end."""

from __future__ import annotations

import tarfile

END = bytes(2 * tarfile.BLOCKSIZE)


def header(name: str, size: int) -> bytes:
    """What stands before a member's bytes; its length depends on the name alone.

    GNU's format keeps a size above 8 GiB in the header itself, where it can be written a second time.
    """
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def padding(size: int) -> bytes:
    """What stands behind a member's bytes."""
    return bytes(-size % tarfile.BLOCKSIZE)
