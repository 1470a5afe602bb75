"""The framing of a tar archive: headers without times or owners, padding, the end."""

from __future__ import annotations

import tarfile

END = bytes(2 * tarfile.BLOCKSIZE)


def header(name: str, size: int) -> bytes:
    """The header of a member; its length depends on the name only.

    GNU's format keeps a size above 8 GiB in the header itself, which can be rewritten in place.
    """
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def padding(size: int) -> bytes:
    """The padding after a member's bytes."""
    return bytes(-size % tarfile.BLOCKSIZE)
