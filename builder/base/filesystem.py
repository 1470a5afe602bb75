"""What an image holds at some paths: its layers as one view, read from the top, streamed, never unpacked.

The rules are those of the OCI image specification's layer.md: an upper layer's entry wins, `.wh.NAME` hides NAME and
all below it in the layers underneath, `.wh..wh..opq` hides everything in its folder there.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import BinaryIO

from m2build.errors import ContentError
from m2build.oci.image import Image
from m2build.oci.layer import open_layer
from m2build.oci.tar import XATTR, Kind, Member
from m2build.progress import Progress

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_LARGEST_FILE = 64 << 20
"""Bytes; sources are smaller."""
_LARGEST_TOTAL = 2 << 30
"""Bytes of all files that are kept."""


class Filesystem(Mapping[str, Member]):
    """Path -> entry, for the paths that were asked for. Immutable, sorted by path."""

    def __init__(self, entries: Mapping[str, Member]) -> None:
        self._entries = MappingProxyType(dict(sorted(entries.items())))

    def __getitem__(self, path: str) -> Member:
        return self._entries[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def read_filesystem(image: Image, wanted: tuple[str, ...], progress: Progress) -> Filesystem:
    """What the image holds at and below the wanted paths, and the folders above them.

    Every layer is read to its end and checked against its digest and its diff_id.

    Args:
        image: the image.
        wanted: paths relative to the image's root, without a leading slash.
        progress: is told which layer is read.

    Raises:
        ContentError: a layer is missing, truncated, altered or hostile; the message names it and the member.
    """
    view = _View(wanted)
    layers = list(zip(image.manifest.layers, image.config.diff_ids, strict=True))
    for layer, diff_id in reversed(layers):
        progress.step(f"reading layer {layer.digest.hex[:12]} ({layer.size / 1e6:.1f} MB)")
        with open_layer(image, layer, diff_id) as stream:
            view.add(_members(stream, wanted))
    return Filesystem(view.entries)


class _View:
    """The union of the layers seen so far, from the top."""

    def __init__(self, wanted: tuple[str, ...]) -> None:
        self.entries: dict[str, Member] = {}
        self._wanted = wanted
        self._hidden: set[str] = set()
        self._opaque: set[str] = set()

    def add(self, members: Iterator[Member]) -> None:
        """Put a layer below those that are there."""
        layer = {member.path: member for member in members}
        links = [member for member in layer.values() if member.kind is Kind.OTHER and member.target]
        for link in links:
            layer[link.path] = self._linked(link, layer)
        visible = {path: member for path, member in layer.items() if not _is_marker(path) and self._is_visible(path)}
        for path in layer:
            folder, _, name = path.rpartition("/")
            if name == _OPAQUE:
                self._opaque.add(folder)
            elif name.startswith(_WHITEOUT):
                self._hidden.add(f"{folder}/{name[len(_WHITEOUT) :]}".lstrip("/"))
        self.entries |= visible

    def _is_visible(self, path: str) -> bool:
        if path in self.entries or path in self._hidden:
            return False
        for parent in _parents(path):
            above = self.entries.get(parent)
            if parent in self._hidden or parent in self._opaque or (above and above.kind is not Kind.FOLDER):
                return False
        return "" not in self._opaque

    def _linked(self, link: Member, layer: Mapping[str, Member]) -> Member:
        """A hard link as the file that it is; its target stands in the same layer, before it."""
        target = layer.get(link.target)
        if target is None or target.kind is not Kind.FILE:
            raise ContentError(f"the hard link {link.path} leads to {link.target}, which is not among the files read")
        return Member(link.path, Kind.FILE, target.mode, target.uid, target.gid, target.mtime, target.content)


def _is_marker(path: str) -> bool:
    return path.rpartition("/")[2].startswith(_WHITEOUT)


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _members(stream: BinaryIO, wanted: tuple[str, ...]) -> Iterator[Member]:
    total = 0
    with _open_tar(stream) as archive:
        for info in archive:
            path = _normal(info.name)
            target = path.rpartition("/")[2].removeprefix(_WHITEOUT)
            marked = f"{path.rpartition('/')[0]}/{target}".lstrip("/") if _is_marker(path) else path
            if not path or not _is_wanted(marked, wanted):
                continue
            total += info.size if info.isreg() else 0
            if info.size > _LARGEST_FILE or total > _LARGEST_TOTAL:
                raise ContentError(f"the member {info.name!r} is larger than any source file")
            yield _member(archive, info, path)


@contextmanager
def _open_tar(stream: BinaryIO) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as archive:
            yield archive
    except (tarfile.TarError, UnicodeError, ValueError) as error:
        raise ContentError(f"it is not a tar archive, or it is truncated: {error}") from error


def _is_wanted(path: str, wanted: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(f"{root}/") or root.startswith(f"{path}/") for root in wanted)


def _normal(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ContentError(f"the member {name!r} climbs out of the image")
    return "/".join(parts)


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo, path: str) -> Member:
    kinds = {tarfile.DIRTYPE: Kind.FOLDER, tarfile.SYMTYPE: Kind.SYMLINK}
    kind = Kind.FILE if info.isreg() else kinds.get(info.type, Kind.OTHER)
    file = archive.extractfile(info) if info.isreg() else None
    target = _normal(info.linkname) if info.islnk() else info.linkname
    xattrs = {key: value for key, value in info.pax_headers.items() if key.startswith(XATTR)}
    content = file.read() if file else b""
    return Member(path, kind, info.mode & 0o7777, info.uid, info.gid, int(info.mtime), content, target, xattrs)
