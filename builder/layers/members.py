"""Which members of a layer are wanted, and how they are read: names, kinds, whiteouts."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from m2build.errors import ContentError
from m2build.local.reading import LARGEST_SOURCE
from m2build.oci.digest import Digest
from m2build.oci.paths import LIMITS, LONGEST_PATH, cleaned, is_possible, parents
from m2build.oci.tar import XATTR, Kind, Member

AUDIT_FOLDER = "opt/m2build"
"""Where a derived image holds the account of its changeset, relative to its root."""

_CHECKOUTS = "sgl-workspace"
_INSTALLED = frozenset({"site-packages", "dist-packages"})

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_BOOKKEEPING = ".wh..wh."
"""The prefix of AUFS's own files, which are not content and hide nothing."""
_NUMBERS = (1 << 32) - 1
"""The first number that cannot be a user or a group: chown(2) reads it as "unchanged"."""
_SMALL = 1 << 20
_MOST_LARGE = 64 << 20
"""Bytes of a file that counts as large if it is not Python, and of all of these whose content is held of one layer."""
_PIECE = 1 << 20
_LATEST = 1 << 63
"""Seconds that no tar has: Go's archive/tar reads 64 bits. Engines replace what a file system cannot keep."""


@dataclass(frozen=True)
class Wanted:
    """Paths of an image to read, relative to its root, without a leading slash; the root itself is `""`.

    Attributes:
        trees: paths with everything below them.
        entries: paths without what is below them.
        markers: the ends of paths that are wanted wherever they are, and with them the folders where sources may be.
    """

    trees: frozenset[str]
    entries: frozenset[str] = frozenset()
    markers: frozenset[str] = frozenset()

    @cached_property
    def _above(self) -> frozenset[str]:
        return frozenset(parent for path in (*self.trees, *self.entries) for parent in parents(path))

    def shows(self, path: str) -> bool:
        """Whether a path is wanted, or is a folder above a wanted one; the root counts only if it is wanted itself."""
        if path in self.entries or path in self._above or self._is_in_a_tree(path):
            return True
        return bool(self.markers) and (f"/{path}".endswith(self._endings) or is_home(path) or path == _CHECKOUTS)

    def concerns(self, path: str) -> bool:
        """Whether hiding a path can hide a wanted one; hiding the root hides everything."""
        return not path or self.shows(path)

    def takes(self, path: str) -> bool:
        """Whether a member of a layer is wanted: a path, or a whiteout that can hide a wanted one."""
        return self.concerns(subject(path)) if path else self.shows(path)

    def covers(self, other: Wanted) -> bool:
        """Whether all that another one wants is wanted here, too."""
        return (
            all(map(self._is_in_a_tree, other.trees))
            and all(path in self.entries or self._is_in_a_tree(path) for path in other.entries)
            and other.markers <= self.markers
        )

    def __or__(self, other: Wanted) -> Wanted:
        """The paths of both."""
        trees = {path for path in other.trees if not self._is_in_a_tree(path)}
        entries = {path for path in other.entries if not self.shows(path)}
        return Wanted(self.trees | trees, self.entries | entries, self.markers | other.markers)

    @cached_property
    def _endings(self) -> tuple[str, ...]:
        return tuple(f"/{marker}" for marker in sorted(self.markers))

    def _is_in_a_tree(self, path: str) -> bool:
        return "" in self.trees or not self.trees.isdisjoint((path, *parents(path)))


NOTHING = Wanted(frozenset())
EVERYTHING = Wanted(frozenset({""}))


def wanted_for(source_roots: Iterable[str], working_dirs: Iterable[str]) -> Wanted:
    """The paths that a derivation reads: the sources, the place of the account, and working directories.

    What is below /usr/lib may be written as /lib: in most images that is a link to it
    (https://systemd.io/THE_CASE_FOR_THE_USR_MERGE/). A layer that does so is seen, and refused.
    """
    roots = frozenset(root.strip("/") for root in source_roots)
    merged = frozenset(root.removeprefix("usr/") for root in roots if root.startswith("usr/lib"))
    return Wanted(roots | merged | {AUDIT_FOLDER}, frozenset(working_dirs) - {""})


def is_home(path: str) -> bool:
    """Whether sources may be in a folder of this name: a checkout under /sgl-workspace, or where pip installs.

    Images of SGLang clone what they build into /sgl-workspace (docker/rocm.Dockerfile), where the Python packages are
    at the top of a checkout or in one of its folders. pip installs into site-packages, on Debian into dist-packages.

    >>> is_home("sgl-workspace/sglang/python"), is_home("usr/lib/python3/dist-packages"), is_home("usr/lib")
    (True, True, False)
    """
    folder, _, name = path.rpartition("/")
    return name in _INSTALLED or folder == _CHECKOUTS or folder.rpartition("/")[0] == _CHECKOUTS


def marked_folders(marker: str, marked: Mapping[str, Member]) -> Iterator[str]:
    """The folders that have a marker."""
    for path, member in marked.items():
        if member.kind is Kind.FILE and path.endswith(f"/{marker}"):
            yield path.removesuffix(f"/{marker}")


def likely_homes(members: Mapping[str, Member], markers: Iterable[str]) -> frozenset[str]:
    """The folders where sources may be that have a marker, for each marker that is in only one of them."""
    homes = [{folder for folder in marked_folders(marker, members) if is_home(folder)} for marker in markers]
    return frozenset(folder for found in homes if len(found) == 1 for folder in found)


def subject(path: str) -> str:
    """The path that a member concerns: of a whiteout the hidden path, of an opaque marker its folder."""
    folder, _, name = path.rpartition("/")
    if name == OPAQUE:
        return folder
    return f"{folder}/{name.removeprefix(WHITEOUT)}".lstrip("/")


def is_bookkeeping(path: str) -> bool:
    """Whether a member is one of AUFS's own."""
    return any(part.startswith(_BOOKKEEPING) and part != OPAQUE for part in path.split("/"))


def path_of(name: str) -> str:
    """A member's or a hard link's name as a path relative to the image's root (layer.md).

    A leading slash is dropped, as by every unpacker.

    Raises:
        ContentError: it points out of the image, or Linux cannot unpack it.
    """
    path = cleaned(name)
    if path is None:
        raise ContentError(f"the member {name[:200]!r} is outside the image's root")
    if not is_possible(path):
        raise ContentError(f"the member {name[:200]!r} has an impossible name: {LIMITS}")
    return path


def _climbs(path: str, target: str) -> bool:
    """Whether a symbolic link points above the image's root."""
    depth = 0 if target.startswith("/") else path.count("/")
    for part in target.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False


_KINDS = {tarfile.DIRTYPE: Kind.FOLDER, tarfile.SYMTYPE: Kind.SYMLINK, tarfile.LNKTYPE: Kind.HARD_LINK}


_LINKS = frozenset({Kind.SYMLINK, Kind.HARD_LINK})


def _is_whole(info: tarfile.TarInfo) -> bool:
    """Whether a sparse file's parts follow one another, within its size, in PAX records.

    Go's archive/tar reads these for all engines; they refuse GNU's older format, a type of its own.
    """
    end = 0
    for start, size in cast("list[tuple[int, int]]", info.sparse):
        if start < end or size < 0:
            return False
        end = start + size
    return info.type != tarfile.GNUTYPE_SPARSE and end <= info.size


def content_of(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    """The content of a regular file in a tar."""
    file = archive.extractfile(info)
    return file.read() if file else b""


def digest_of(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Digest:
    """The digest of the content of a regular file in a tar, which is not held."""
    running, file = hashlib.sha256(), archive.extractfile(info)
    while file and (piece := file.read(_PIECE)):
        running.update(piece)
    return Digest("sha256", running.hexdigest())


class Holding:
    """Which files' contents are held, of those of one tar: Python sources, and others while they are not too many.

    Binary libraries stand beside the sources in real images, up to gigabytes of them; they keep their digests.
    """

    def __init__(self) -> None:
        self._large = 0

    def takes(self, path: str, size: int) -> bool:
        """Whether the content of the next file is held."""
        if size > LARGEST_SOURCE:
            return False
        if size <= _SMALL or path.endswith((".py", ".pyi")):
            return True
        self._large += size
        return self._large <= _MOST_LARGE


def member_of(
    info: tarfile.TarInfo, path: str, content: Callable[[tarfile.TarInfo], bytes], unheld: Digest | None = None
) -> Member:
    """The entry of a path.

    Args:
        info: its header.
        path: its path, cleaned.
        content: reads what the regular file of a header holds.
        unheld: the digest of that content if it is not to be held; then it is not read.

    Raises:
        ContentError: it is sparse in GNU's older format, a link out of the image, or has an impossible owner or time.
    """
    kind = Kind.FILE if info.isreg() else _KINDS.get(info.type, Kind.OTHER)
    named = f"the member {info.name[:200]!r}"
    if info.issparse() and not _is_whole(info):
        raise ContentError(f"{named} is sparse in a way that unpackers do not read")
    if kind is Kind.SYMLINK and _climbs(path, info.linkname):
        raise ContentError(f"{named} is a link out of the image")
    if not (0 <= info.uid < _NUMBERS and 0 <= info.gid < _NUMBERS and abs(info.mtime) < _LATEST):
        raise ContentError(f"{named} has an impossible owner or time: {info.uid}:{info.gid}, {info.mtime}")
    mode = 0o777 if kind is Kind.SYMLINK else info.mode & 0o7777  # symlink(7): a link has no permissions of its own
    held = content(info) if info.isreg() and unheld is None else b""
    target = path_of(info.linkname) if info.islnk() else info.linkname
    if kind in _LINKS and (not 0 < len(target) <= LONGEST_PATH or "\0" in target):
        raise ContentError(f"{named} links to no name, one of more than {LONGEST_PATH} characters, or with a NUL byte")
    xattrs = {key: value for key, value in info.pax_headers.items() if key.startswith(XATTR)}
    size = info.size if unheld else 0
    return Member(path, kind, mode, info.uid, info.gid, int(info.mtime), held, target, xattrs, unheld, size)
