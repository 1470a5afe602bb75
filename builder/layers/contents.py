"""A layer's members, streamed out of its tar: those that are wanted, and the whiteouts that concern them.

Hard links are followed as unpackers make them: to what stands under the name at that point of the layer, or else in the
layers below.
"""

from __future__ import annotations

import tarfile
from dataclasses import replace
from typing import BinaryIO

from m2build.errors import ContentError
from m2build.layers.forward import ForwardFile
from m2build.layers.members import OPAQUE, WHITEOUT, Wanted, is_bookkeeping, member_of, path_of, subject
from m2build.local.reading import LARGEST_SOURCE
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image, fetched_again
from m2build.oci.layer import open_layer
from m2build.oci.paths import parents
from m2build.oci.tar import Kind, Member
from m2build.oci.tar_reader import StrictTar

_CONTENT_ALWAYS = 32 << 20
_CONTENT_RATIO = 20
"""What is kept of a layer may come to so many bytes, and to so many more for each byte of the layer as it is stored:
text compresses to a fifth, hostile zeros to a thousandth."""
_HEADERS_ALWAYS = 100_000
_BYTES_A_HEADER = 16
"""A layer may have so many members, and one more for so many of its bytes as stored: real ones take twice that."""
MOST_WANTED = 100_000
"""Members that are kept of one layer; the source trees of whole frameworks have a fifth of that."""


def most_content(stored: int) -> int:
    """How many bytes of content may be kept of so many stored ones."""
    return _CONTENT_ALWAYS + _CONTENT_RATIO * stored


def read_members(image: Image, layer: Descriptor, diff_id: Digest | None, wanted: Wanted) -> dict[str, Member]:
    """What a layer holds that is wanted or on the way to it, whiteouts included, by path.

    The layer is read to its end and checked against its digest, and its diff_id if there is one. Of two members of one
    name the later one counts, as for any unpacker. A hard link is what it leads to; only one that leads to a lower
    layer is a link still, straight to the name that stands there.

    Raises:
        ContentError: the layer is missing, truncated, altered or hostile; the message names it.
    """
    found = _read(image, layer, diff_id, wanted)
    elsewhere = found.awaited()
    if elsewhere:
        targets = _read(image, layer, diff_id, Wanted(frozenset(), elsewhere)).members
        found.follow({path: targets[path] for path in elsewhere & targets.keys()})
    return found.members


def _read(image: Image, layer: Descriptor, diff_id: Digest | None, wanted: Wanted) -> _Contents:
    return fetched_again(lambda: _read_once(image, layer, diff_id, wanted))


def _read_once(image: Image, layer: Descriptor, diff_id: Digest | None, wanted: Wanted) -> _Contents:
    with open_layer(image, layer, diff_id) as stream:
        found = _Contents(wanted, most_content(layer.size))
        found.read(stream, most=_HEADERS_ALWAYS + layer.size // _BYTES_A_HEADER)
        return found


class _Contents:
    """What has been found in a layer so far.

    Attributes:
        members: what is wanted, by path.
    """

    def __init__(self, wanted: Wanted, most: int) -> None:
        self.members: dict[str, Member] = {}
        self._wanted = wanted
        self._most = most
        self._total = 0
        self._links: dict[str, str] = {}
        self._standing: set[str] = set()
        self._due: set[str] = set()

    def read(self, stream: BinaryIO, *, most: int) -> None:
        """Read a tar to its end.

        Raises:
            ContentError: it is damaged or hostile; the message names the member.
        """
        place = "its beginning"
        try:
            archive = StrictTar(ForwardFile(stream), most=most)
            for info in archive.headers():
                place = f"the member {info.name[:200]!r}"
                self._add(archive, info)
        except (tarfile.TarError, UnicodeError, ValueError) as error:
            raise ContentError(f"it is not a tar archive, or it is damaged at {place}: {error}") from error

    def awaited(self) -> frozenset[str]:
        """The targets of hard links that are not among the members."""
        return frozenset(member.target for member in self.members.values() if member.kind is Kind.HARD_LINK)

    def follow(self, targets: dict[str, Member]) -> None:
        """Put what hard links lead to in their place."""
        for path, member in self.members.items():
            if member.kind is Kind.HARD_LINK and member.target in targets:
                self.members[path] = linked(member, targets[member.target])

    def _add(self, archive: tarfile.TarFile, info: tarfile.TarInfo) -> None:
        path = path_of(info.name)
        if not path and not info.isdir():
            raise ContentError(f"the member {info.name!r} would replace the image's root")
        if info.islnk():
            target = path_of(info.linkname)
            self._links[path] = self._links.get(target, target)
        else:
            self._links.pop(path, None)
        if path in self._due:
            raise ContentError(f"the member {path!r} stands behind a hard link to it")
        marker = _opaque_marker(path)
        if not self._is_wanted(marker or path) or is_bookkeeping(path):
            return
        self._check(info)
        if marker:
            self._check_folder_stays(path, marker)
        self._keep(Member(marker, Kind.FILE) if marker else member_of(archive, info, path))

    def _is_wanted(self, path: str) -> bool:
        return self._wanted.concerns(subject(path)) if path else self._wanted.shows(path)

    def _check(self, info: tarfile.TarInfo) -> None:
        """See that what is kept follows the layer's size."""
        named = f"the member {info.name[:200]!r}"
        attributes = sum(len(key) + len(value) for key, value in info.pax_headers.items())
        self._total += attributes + (info.size if info.isreg() else 0)
        if info.size > LARGEST_SOURCE:
            raise ContentError(f"{named} is larger than {LARGEST_SOURCE} bytes, and no source file is")
        if self._total > self._most:
            raise ContentError(f"with {named} its sources come to more than {self._most} bytes, which it cannot hold")
        if len(self.members) >= MOST_WANTED:
            raise ContentError(f"with {named} its sources come to more than {MOST_WANTED} files")

    def _keep(self, member: Member) -> None:
        path = member.path
        if member.kind is Kind.HARD_LINK:
            target = self._links[path]
            if target == path:
                raise ContentError(f"the member {path!r} is a link to itself")
            member = replace(member, target=target)
            if target in self.members:
                member = linked(member, self.members[target])
            else:
                self._due.add(target)
        self.members[path] = member
        if not path.rpartition("/")[2].startswith(WHITEOUT):
            self._stand(path)

    def _stand(self, path: str) -> None:
        """Note that this layer has something at a path, and so a folder at those above it."""
        for name in (path, *parents(path)):
            if name in self._standing:
                return
            self._standing.add(name)

    def _check_folder_stays(self, path: str, marker: str) -> None:
        """See that a whiteout of `.` or `..` leaves the folder that it stands in.

        Raises:
            ContentError: the folder is the root, or this layer does not have it; containerd refuses all such whiteouts,
                and umoci fails on these.
        """
        if marker == OPAQUE or path.rpartition("/")[0] not in self._standing:
            raise ContentError(f"the whiteout {path!r} hides the folder that it stands in")


_OF_FOLDERS = {WHITEOUT: 0, f"{WHITEOUT}.": 0, f"{WHITEOUT}..": 1}
"""Whiteouts of the folder that they stand in, and of the one above it."""


def _opaque_marker(path: str) -> str | None:
    """What a whiteout of `.` or `..` comes to: an opaque marker, as for umoci; None if it is no such whiteout."""
    folder, _, name = path.rpartition("/")
    if name not in _OF_FOLDERS:
        return None
    hidden = folder.rpartition("/")[0] if _OF_FOLDERS[name] else folder
    return f"{hidden}/{OPAQUE}".lstrip("/")


def linked(link: Member, target: Member) -> Member:
    """What a hard link is, once its target is known: another name of a file, a symbolic link, a device or a pipe.

    Raises:
        ContentError: it leads to a folder, which link(2) does not allow.
    """
    if target.kind is Kind.FOLDER:
        raise ContentError(f"the hard link {link.path} leads to {target.path}, which is a folder")
    return replace(target, path=link.path)
