"""A layer's members, streamed from its tar: the wanted ones, and the whiteouts that concern them.

Hard links are followed as unpackers make them: to the file of that name so far in the layer, or else in lower layers.
A member below a symbolic link that the layer has made before it is where that link leads (`OwnLinks`).
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from m2build.errors import ContentError
from m2build.layers.forward import ForwardFile
from m2build.layers.held import layer_tar
from m2build.layers.members import (
    OPAQUE,
    WHITEOUT,
    Holding,
    Wanted,
    content_of,
    digest_of,
    is_bookkeeping,
    member_of,
    path_of,
)
from m2build.layers.own_links import OwnLinks
from m2build.layers.touched import Touched
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image, fetched_again
from m2build.oci.paths import parents
from m2build.oci.tar import Kind, Member
from m2build.oci.tar_reader import StrictTar

_CONTENT_ALWAYS = 32 << 20
_CONTENT_RATIO = 20
"""The most bytes of content kept of a layer: so many, and so many more for each stored byte of it. Text compresses to a
fifth, hostile zeros to a thousandth."""
_HEADERS_ALWAYS = 100_000
_BYTES_A_HEADER = 16
"""The most members of a layer: so many, and one more for so many stored bytes; real ones take twice that."""
MOST_WANTED = 100_000
"""Members kept of one layer; the source trees of whole frameworks have a fifth of that."""


def most_content(stored: int) -> int:
    """The most bytes of content kept for so many stored bytes."""
    return _CONTENT_ALWAYS + _CONTENT_RATIO * stored


def most_headers(stored: int) -> int:
    """The most members of a layer of so many stored bytes."""
    return _HEADERS_ALWAYS + stored // _BYTES_A_HEADER


def read_members(image: Image, layer: Descriptor, diff_id: Digest | None, wanted: Wanted) -> dict[str, Member]:
    """A layer's wanted members and the folders above them, whiteouts included, by path.

    The layer is read to its end and checked against its digest, and its diff_id if there is one. Of two members of one
    name the later one counts, as for any unpacker. A hard link becomes its target; one to a lower layer stays a link,
    directly to the name there.

    Raises:
        ContentError: the layer is missing, truncated, altered or hostile; the message names it.
    """
    return read_contents(image, layer, diff_id, wanted).members


def read_contents(image: Image, layer: Descriptor, diff_id: Digest | None, wanted: Wanted) -> Contents:
    """What `read_members` gives, and which folders the layer has something in.

    Raises:
        ContentError: the layer is missing, truncated, altered or hostile; the message names it.
    """
    return with_targets(wanted, lambda paths: fetched_again(lambda: _read_once(image, layer, diff_id, paths)))


def with_targets(wanted: Wanted, read: Callable[[Wanted], Contents]) -> Contents:
    """A layer's members at the wanted paths, and in place of hard links what they lead to in the same layer.

    Args:
        wanted: the paths.
        read: reads the layer's members at some paths; a second time if links lead to other paths.
    """
    found = read(wanted)
    elsewhere = found.awaited()
    if elsewhere:
        targets = read(Wanted(frozenset(), elsewhere)).members
        found.follow({path: targets[path] for path in elsewhere & targets.keys()})
    return found


def _read_once(image: Image, layer: Descriptor, diff_id: Digest | None, wanted: Wanted) -> Contents:
    with layer_tar(image, layer, diff_id) as file:
        found = Contents(wanted, most_content(layer.size))
        found.read(file, most=most_headers(layer.size))
        return found


def _digest(archive: tarfile.TarFile, file: ForwardFile, info: tarfile.TarInfo) -> Digest:
    """The digest of a file's content; the layer is fetched again if it was left out when the layer was written down."""
    if file.lacks(info.offset_data, info.size):
        raise ContentError(f"the member {info.name[:200]!r} was not written down", may_pass=True)
    return digest_of(archive, info)


class Contents:
    """A layer's wanted members, as far as it has been read.

    Attributes:
        members: by path.
        touched: below which folders where sources may be it has something; noted while markers are looked for.
        hides_itself: whether a whiteout hides its own folder; whether that is refused depends on what is wanted.
    """

    def __init__(self, wanted: Wanted, most: int) -> None:
        self.members: dict[str, Member] = {}
        self.touched = Touched()
        self.hides_itself = False
        self._wanted = wanted
        self._most = most
        self._holding = Holding()
        self._own_links = OwnLinks()
        self._total = 0
        self._hard_links: dict[str, str] = {}
        self._standing: set[str] = set()
        self._folders: set[str] = set()
        self._last_folder = ""
        self._due: set[str] = set()

    def read(self, file: ForwardFile, *, most: int) -> None:
        """Read a tar to its end.

        Raises:
            ContentError: it is damaged or hostile; the message names the member.
        """
        place = "its beginning"
        try:
            archive = StrictTar(file, most=most)
            content, digest = partial(content_of, archive), partial(_digest, archive, file)
            for info in archive.headers():
                place = f"the member {info.name[:200]!r}"
                self._add(info, content, digest)
        except (tarfile.TarError, UnicodeError, ValueError) as error:
            raise ContentError(f"it is not a tar archive, or it is damaged at {place}: {error}") from error
        self._imply_folders()

    def add_all(
        self,
        headers: Iterable[tarfile.TarInfo],
        content: Callable[[tarfile.TarInfo], bytes],
        digest: Callable[[tarfile.TarInfo], Digest],
    ) -> None:
        """Add all members of a layer, in their order.

        Args:
            headers: their headers.
            content: what the regular file of a header holds; called for the wanted ones.
            digest: the digest of that content; called for wanted ones that are too large to be held.

        Raises:
            ContentError: a member is hostile; the message names it.
        """
        for info in headers:
            self._add(info, content, digest)
        self._imply_folders()

    def _imply_folders(self) -> None:
        for path in self._folders - self.members.keys():
            self.members[path] = Member(path, Kind.IMPLIED)

    def awaited(self) -> frozenset[str]:
        """The targets of hard links that are not among the members."""
        return frozenset(member.target for member in self.members.values() if member.kind is Kind.HARD_LINK)

    def follow(self, targets: dict[str, Member]) -> None:
        """Replace hard links by their targets."""
        for path, member in self.members.items():
            if member.kind is Kind.HARD_LINK and member.target in targets:
                self.members[path] = linked(member, targets[member.target])

    def _add(
        self,
        info: tarfile.TarInfo,
        content: Callable[[tarfile.TarInfo], bytes],
        digest: Callable[[tarfile.TarInfo], Digest],
    ) -> None:
        path = self.path_of(info)
        if not path and not info.isdir():
            raise ContentError(f"the member {info.name!r} would replace the image's root")
        self._note_links(path, info)
        if path in self._due:
            raise ContentError(f"the member {path!r} comes after a hard link to it")
        marker = _opaque_marker(path)
        self._note_folders(path)
        if self._wanted.markers:
            self.touched.note(path)
        if not self._wanted.takes(marker or path) or (is_bookkeeping(path) and path not in self._wanted.entries):
            return  # AUFS keeps the content of hard links among its own files; only links lead there
        is_held = not info.isreg() or info.issparse() or self._holding.takes(path, info.size)
        self._check(info, is_held=is_held)
        if marker:
            self.hides_itself = True
            self._check_folder_stays(path, marker)
        unheld = None if is_held else digest(info)
        self._keep(Member(marker, Kind.FILE) if marker else member_of(info, path, content, unheld))

    def path_of(self, info: tarfile.TarInfo) -> str:
        """Where unpackers put the next member: its name, with the links followed that the layer has made above it.

        Raises:
            ContentError: that is not a place in the image.
        """
        return self._own_links.real(path_of(info.name))

    def _note_links(self, path: str, info: tarfile.TarInfo) -> None:
        """Note what a member is a hard link to, and whether its path is a symbolic link from now on."""
        symbolic = info.linkname if info.issym() else None
        if info.islnk():
            target = self._own_links.real(path_of(info.linkname))
            self._hard_links[path] = self._hard_links.get(target, target)
            symbolic = self._own_links.target(target)
        else:
            self._hard_links.pop(path, None)
        if (symbolic is not None or path in self._own_links) and not path.rpartition("/")[2].startswith(WHITEOUT):
            self._own_links.note(path, symbolic)

    def _note_folders(self, path: str) -> None:
        """Note the wanted folders above a path, which unpackers make even if no layer has an entry of them."""
        last, _, name = path.rpartition("/")
        if last == self._last_folder or name.startswith(WHITEOUT):
            return
        self._last_folder = last
        for folder in parents(path):
            if folder in self._folders:
                break
            if self._wanted.shows(folder):
                self._folders.add(folder)
        if len(self._folders) > MOST_WANTED:
            raise ContentError(
                f"its sources have more than {MOST_WANTED} folders, counted up to the member {path[:200]!r}"
            )

    def _check(self, info: tarfile.TarInfo, *, is_held: bool) -> None:
        """Check that the members are not too large for the layer's size."""
        named = f"the member {info.name[:200]!r}"
        attributes = sum(len(key) + len(value) for key, value in info.pax_headers.items())
        self._total += attributes + (info.size if info.isreg() and is_held else 0)
        if self._total > self._most:
            raise ContentError(f"with {named} its sources have more than {self._most} bytes, too many for its size")
        if len(self.members) >= MOST_WANTED:
            raise ContentError(f"with {named} its sources have more than {MOST_WANTED} files")

    def _keep(self, member: Member) -> None:
        path = member.path
        if member.kind is Kind.HARD_LINK:
            target = self._hard_links[path]
            if target == path:
                raise ContentError(f"the member {path!r} is a link to itself")
            member = replace(member, target=target)
            if target in self.members:
                member = linked(member, self.members[target])
            elif self._hides(target):
                raise ContentError(f"the hard link {path!r} points to {target!r}, which the same layer hides before it")
            else:
                self._due.add(target)
        self.members[path] = member
        if not path.rpartition("/")[2].startswith(WHITEOUT):
            self._stand(path)

    def _hides(self, path: str) -> bool:
        """Whether the layer has hidden a path of lower layers so far."""
        above = parents(path)
        split = (name.rpartition("/") for name in (path, *above))
        markers = [f"{folder}{slash}{WHITEOUT}{name}" for folder, slash, name in split]
        markers += [f"{folder}/{OPAQUE}" for folder in above]
        return not self.members.keys().isdisjoint([*markers, OPAQUE])

    def _stand(self, path: str) -> None:
        """Note that this layer has a path, and so the folders above it."""
        for name in (path, *parents(path)):
            if name in self._standing:
                return
            self._standing.add(name)

    def _check_folder_stays(self, path: str, marker: str) -> None:
        """Check that a whiteout of `.` or `..` does not hide its own folder.

        Raises:
            ContentError: it hides the root, or a folder that this layer does not have; containerd refuses all such
                whiteouts, and umoci fails on these.
        """
        if marker == OPAQUE or path.rpartition("/")[0] not in self._standing:
            raise ContentError(f"the whiteout {path!r} hides its own folder")


_OF_FOLDERS = {WHITEOUT: 0, f"{WHITEOUT}.": 0, f"{WHITEOUT}..": 1}
"""Whiteouts of their own folder, and of the one above it."""


def _opaque_marker(path: str) -> str | None:
    """A whiteout of `.` or `..` as the opaque marker that umoci reads it as; None for other names."""
    folder, _, name = path.rpartition("/")
    if name not in _OF_FOLDERS:
        return None
    hidden = folder.rpartition("/")[0] if _OF_FOLDERS[name] else folder
    return f"{hidden}/{OPAQUE}".lstrip("/")


def linked(link: Member, target: Member) -> Member:
    """A hard link as another name of its target: a file, a symbolic link, a device or a pipe.

    Raises:
        ContentError: the target is a folder, which link(2) does not allow.
    """
    if target.kind is Kind.FOLDER:
        raise ContentError(f"the hard link {link.path} points to {target.path}, which is a folder")
    return replace(target, path=link.path)
