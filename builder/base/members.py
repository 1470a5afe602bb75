"""A layer's members, streamed out of its tar: those that are wanted, and the whiteouts that concern them."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, cast

from m2build.base.forward import ForwardFile
from m2build.errors import ContentError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.oci.layer import open_layer
from m2build.oci.paths import parents
from m2build.oci.tar import XATTR, Kind, Member, StrictTarInfo

AUDIT_FOLDER = "opt/m2build"
"""Where a derived image has the account of its changeset, relative to its root."""

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_BOOKKEEPING = ".wh..wh."
"""What the names of AUFS's own files begin with; they are no content, and hide nothing."""
_LARGEST_FILE = 64 << 20
"""Bytes; sources are smaller."""
_LARGEST_TOTAL = 2 << 30
"""Bytes of all files that are kept of one layer."""


@dataclass(frozen=True)
class Wanted:
    """What is looked for in an image, by paths relative to its root, without a leading slash; the root itself is `""`.

    Attributes:
        trees: paths that are wanted with all that is below them.
        entries: paths that are wanted by themselves.
    """

    trees: frozenset[str]
    entries: frozenset[str] = frozenset()

    @cached_property
    def _above(self) -> frozenset[str]:
        return frozenset(parent for path in (*self.trees, *self.entries) for parent in parents(path))

    def shows(self, path: str) -> bool:
        """Whether a path is wanted, or on the way to a wanted one; the root is only if it is wanted itself."""
        return path in self.entries or path in self._above or self._is_in_a_tree(path)

    def concerns(self, path: str) -> bool:
        """Whether what hides a path can hide what is wanted: what hides the root hides everything."""
        return not path or self.shows(path)

    def __or__(self, other: Wanted) -> Wanted:
        """This, and what of the other one it does not show yet."""
        trees = {path for path in other.trees if not self._is_in_a_tree(path)}
        return Wanted(self.trees | trees, self.entries | {path for path in other.entries if not self.shows(path)})

    def _is_in_a_tree(self, path: str) -> bool:
        return "" in self.trees or not self.trees.isdisjoint((path, *parents(path)))


NOTHING = Wanted(frozenset())
EVERYTHING = Wanted(frozenset({""}))


def wanted_for(source_root: str) -> Wanted:
    """What a derivation looks at: the sources, and where the account of their changes goes."""
    return Wanted(frozenset({source_root.strip("/"), AUDIT_FOLDER}))


def read_members(image: Image, layer: Descriptor, diff_id: Digest | None, wanted: Wanted) -> dict[str, Member]:
    """What a layer holds that is wanted or on the way to it, whiteouts included, by path.

    The layer is read to its end and checked against its digest, and its diff_id if there is one. Of two members of one
    name the later one counts, as for any unpacker.

    Raises:
        ContentError: the layer is missing, truncated, altered or hostile; the message names it.
    """
    with open_layer(image, layer, diff_id) as stream:
        return {member.path: member for member in _members(stream, wanted)}


def _members(stream: BinaryIO, wanted: Wanted) -> Iterator[Member]:
    total, place = 0, "its beginning"
    try:
        archive = tarfile.TarFile(fileobj=cast("BinaryIO", ForwardFile(stream)), tarinfo=StrictTarInfo, errorlevel=2)
        while info := archive.next():
            archive.members = []  # type: ignore[attr-defined]  # it would remember all that it has seen
            place = f"the member {info.name!r}"
            path = _normal(info.name)
            if not _is_wanted(path, wanted) or _is_bookkeeping(path):
                continue
            total += info.size if info.isreg() else 0
            if info.size > _LARGEST_FILE or total > _LARGEST_TOTAL:
                raise ContentError(f"{place} is larger than any source file")
            yield member_of(archive, info, path)
    except (tarfile.TarError, UnicodeError, ValueError) as error:
        raise ContentError(f"it is not a tar archive, or it is damaged at {place}: {error}") from error


def subject(path: str) -> str:
    """The path that a member says something about: a whiteout's is the hidden one, an opaque marker's its folder."""
    folder, _, name = path.rpartition("/")
    if name == OPAQUE:
        return folder
    return f"{folder}/{name.removeprefix(WHITEOUT)}".lstrip("/")


def _is_wanted(path: str, wanted: Wanted) -> bool:
    return wanted.concerns(subject(path)) if path else wanted.shows(path)


def _is_bookkeeping(path: str) -> bool:
    return any(part.startswith(_BOOKKEEPING) and part != OPAQUE for part in path.split("/"))


def _normal(name: str) -> str:
    """A member's path without empty parts; layer.md has it relative to the image's root, and below it."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise ContentError(f"the member {name!r} is not below the image's root")
    return "/".join(parts)


def _climbs(path: str, target: str) -> bool:
    """Whether a symbolic link leads above the image's root."""
    depth = 0 if target.startswith("/") else path.count("/")
    for part in target.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False


_KINDS = {tarfile.DIRTYPE: Kind.FOLDER, tarfile.SYMTYPE: Kind.SYMLINK, tarfile.LNKTYPE: Kind.HARD_LINK}


def member_of(archive: tarfile.TarFile, info: tarfile.TarInfo, path: str) -> Member:
    """The entry of a path, with its content.

    Raises:
        ContentError: it is sparse, a link out of the image, or a link to itself.
    """
    kind = Kind.FILE if info.isreg() else _KINDS.get(info.type, Kind.OTHER)
    if info.issparse() or (kind is Kind.SYMLINK and _climbs(path, info.linkname)):
        raise ContentError(f"the member {info.name!r} is {'sparse' if info.issparse() else 'a link out of the image'}")
    mode = 0o777 if kind is Kind.SYMLINK else info.mode & 0o7777  # symlink(7): a link has no permissions of its own
    file = archive.extractfile(info) if info.isreg() else None
    content = file.read() if file else b""
    target = _normal(info.linkname) if info.islnk() else info.linkname
    if kind is Kind.HARD_LINK and target == path:
        raise ContentError(f"the member {info.name!r} is a link to itself")
    xattrs = {key: value for key, value in info.pax_headers.items() if key.startswith(XATTR)}
    return Member(path, kind, mode, info.uid, info.gid, int(info.mtime), content, target, xattrs)
