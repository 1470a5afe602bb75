"""Reproducible layer tars (OCI image specification, layer.md)."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from m2build.oci.digest import Digest

XATTR = "SCHILY.xattr."
"""The prefix of PAX records with extended attributes."""


class Kind(StrEnum):
    """The kind of a layer's entry."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARD_LINK = "hard link"
    """Another name of the file at its target; a `Filesystem` holds that file in its place."""
    OTHER = "other"
    """A device or a pipe."""
    IMPLIED = "implied folder"
    """A folder of which a layer has no entry, but something below it; a `Filesystem` holds a plain folder instead."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a layer.

    Attributes:
        path: relative to the image's root, without a leading `/` or `./`.
        kind: what it is.
        mode: permission bits.
        uid: owner.
        gid: group.
        mtime: seconds since the epoch.
        content: of a regular file; empty if it is not held.
        target: of a link.
        xattrs: extended attributes, as their PAX records name them.
        unheld: the digest of a regular file's content that is too large to be held.
        size: its bytes.
    """

    path: str
    kind: Kind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    content: bytes = b""
    target: str = ""
    xattrs: Mapping[str, str] = field(default_factory=dict)
    unheld: Digest | None = None
    size: int = 0

    @property
    def digest(self) -> Digest:
        """The digest of a regular file's content, held or not."""
        return self.unheld or Digest.of(self.content)


_TYPES = {Kind.FILE: tarfile.REGTYPE, Kind.FOLDER: tarfile.DIRTYPE, Kind.SYMLINK: tarfile.SYMTYPE}


def write_tar(members: Iterable[Member]) -> bytes:
    """A tar of the members, sorted by path.

    Owner and group names are empty, PAX records are written only where ustar is not enough, and the archive ends with
    two empty blocks and no further padding.

    Raises:
        ValueError: two members have the same path.
    """
    out = io.BytesIO()
    seen: set[str] = set()
    for member in sorted(members, key=lambda member: member.path):
        if member.path in seen:
            raise ValueError(f"two members are called {member.path!r}")
        seen.add(member.path)
        info = _info(member)
        out.write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        out.write(member.content)
        out.write(bytes(-len(member.content) % tarfile.BLOCKSIZE))
    out.write(bytes(2 * tarfile.BLOCKSIZE))
    return out.getvalue()


def _info(member: Member) -> tarfile.TarInfo:
    info = tarfile.TarInfo(member.path + "/" * (member.kind is Kind.FOLDER))
    info.type = _TYPES[member.kind]
    info.mode, info.uid, info.gid, info.mtime = member.mode, member.uid, member.gid, member.mtime
    info.size = len(member.content)
    info.linkname = member.target
    info.pax_headers = dict(sorted(member.xattrs.items()))
    return info
