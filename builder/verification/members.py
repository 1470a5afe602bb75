"""Layers as their tars have them: what a view of the files cannot show, and what tools read in different ways."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Self

from m2build.errors import ContentError
from m2build.inspection.content import Entry
from m2build.layers.forward import ForwardFile
from m2build.layers.members import AUDIT_FOLDER, OPAQUE, WHITEOUT, content_of, digest_of, member_of, path_of, subject
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.oci.layer import open_layer
from m2build.oci.paths import parents
from m2build.oci.tar import XATTR, Member
from m2build.oci.tar_reader import StrictTar, StrictTarInfo
from m2build.verification.findings import Finding
from m2build.verification.paths import entry_findings, extra

_HEADERS_ALWAYS = 100_000
_BYTES_A_HEADER = 16
"""The most members of a layer, as where layers are read for their content."""
_PIECE = 1 << 20
_PLAIN_RECORDS = frozenset(
    {"path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime", "atime", "ctime", f"{XATTR}security.selinux"}
)
"""PAX records that say nothing beyond what is compared elsewhere. An SELinux label is the unpacking machine's: a
container's files have the label of its mount."""

Overlay = Mapping[str, Member]
"""What the layers above the base may hold: the members of the overlay that recipe and base give, whiteouts included."""


def layer_findings(image: Image, height: int, overlay: Overlay) -> Iterator[Finding]:
    """What is odd or unexplained in the tars of an image's layers above its base, even where a higher layer hides it.

    Args:
        image: the image.
        height: how many of its layers are its base's.
        overlay: what explains a member.
    """
    stored = list(zip(image.manifest.layers, image.config.diff_ids, strict=True))
    for number, (layer, diff_id) in enumerate(stored[height:], height + 1):
        found: list[Finding] = []
        try:
            found += _findings(image, layer, diff_id, _Tar(overlay, f"layer {number}"))
        except ContentError as error:
            found.append(Finding("layer-damaged", "", str(error)))
        yield from found


def _findings(image: Image, layer: Descriptor, diff_id: Digest, tar: _Tar) -> list[Finding]:
    with open_layer(image, layer, diff_id) as stream:
        return list(tar.findings(ForwardFile(stream), most=_HEADERS_ALWAYS + layer.size // _BYTES_A_HEADER))


class _Tar:
    """One layer's tar, as far as it has been read."""

    def __init__(self, overlay: Overlay, called: str) -> None:
        self._overlay = overlay
        self._hidden = {subject(path) for path in overlay if path.rpartition("/")[2].startswith(WHITEOUT)}
        self._called = called
        self._seen: set[str] = set()

    def findings(self, file: ForwardFile, *, most: int) -> Iterator[Finding]:
        """Read it to its end.

        Raises:
            ContentError: it is damaged, or has global records, which some tools apply and others ignore.
        """
        try:
            archive = StrictTar(file, most=most, header=_NoGlobals)
            for info in archive.headers():
                yield from self._member(archive, info)
        except (tarfile.TarError, UnicodeError, ValueError) as error:
            raise ContentError(f"it is not a tar archive, or it is damaged: {error}") from error
        while piece := file.read(_PIECE):
            if piece.strip(b"\0"):
                yield Finding("layer-trailing", "", f"{self._called} has data behind the end of its tar")
                return

    def _member(self, archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[Finding]:
        path = path_of(info.name)
        shown = f"/{path}"
        if path and info.name != path:
            yield Finding("member-name", shown, f"{self._called} spells it {info.name!r}")
        if path in self._seen:
            yield Finding("member-duplicate", shown, f"{self._called} has it twice")
        self._seen.add(path)
        name = path.rpartition("/")[2]
        if name == OPAQUE:
            yield Finding("layer-opaque", shown, f"{self._called} hides everything in its folder")
        elif name.startswith(WHITEOUT):
            yield from self._whiteout(path, info)
        else:
            yield from self._content(archive, info, path)
        yield from self._records(info, path)

    def _whiteout(self, path: str, info: tarfile.TarInfo) -> Iterator[Finding]:
        hidden = subject(path)
        if not info.isreg() or info.size:
            yield Finding("member-kind", f"/{path}", f"{self._called} has a whiteout that is not an empty file")
        if self._hidden.isdisjoint((hidden, *parents(hidden))):
            yield Finding("path-removed", f"/{hidden}", f"{self._called} removes it, and no patch does")

    def _content(self, archive: tarfile.TarFile, info: tarfile.TarInfo, path: str) -> Iterator[Finding]:
        if info.issparse() or not (info.isreg() or info.issym() or info.isdir()):
            yield Finding("member-kind", f"/{path}", f"{self._called} has it as a {_kind(info)}")
            return
        wanted = self._overlay.get(path)
        if wanted is None and not info.isdir():
            yield extra(path, f"{self._called} has it, and no patch explains it")
        if wanted is None:
            return
        for finding in entry_findings(path, Entry.of(wanted), _entry(archive, info)):
            if finding.id != "file-mode" or not _is_account(path):
                yield replace(finding, message=f"in {self._called}: {finding.message}")

    def _records(self, info: tarfile.TarInfo, path: str) -> Iterator[Finding]:
        known = self._overlay[path].xattrs.items() if path in self._overlay else ()
        more = {
            key for key, value in info.pax_headers.items() if key not in _PLAIN_RECORDS and (key, value) not in known
        }
        if others := sorted({info.uname, info.gname} - {"", "root"}):
            owners = ", ".join(others)
            yield Finding(
                "member-attributes", f"/{path}", f"{self._called} gives it to {owners}, whom tar takes by name"
            )
        if more:
            names = ", ".join(sorted(key.removeprefix(XATTR) for key in more))
            yield Finding("member-attributes", f"/{path}", f"{self._called} gives it {names}")


class _NoGlobals(StrictTarInfo):
    """A header that holds for one member only."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """A header from its block."""
        info = super().frombuf(buf, encoding, errors)
        if info.type == tarfile.XGLTYPE:
            raise ContentError("it has global PAX records, which some tools apply and others ignore")
        return info


_KINDS = {
    tarfile.LNKTYPE: "hard link", tarfile.CHRTYPE: "character device", tarfile.BLKTYPE: "block device",
    tarfile.FIFOTYPE: "pipe",
}  # fmt: skip


def _kind(info: tarfile.TarInfo) -> str:
    return "sparse file" if info.issparse() else _KINDS.get(info.type, f"member of the type {info.type!r}")


def _is_account(path: str) -> bool:
    """Whether a path is of the account, whose modes a Dockerfile sets in a step after the one that copies it."""
    return f"{path}/".startswith(f"{AUDIT_FOLDER}/")


def _entry(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Entry:
    """What a layer has at the path of a file, a folder or a symbolic link."""
    digest = digest_of(archive, info) if info.isreg() else None
    return Entry.of(member_of(info, path_of(info.name), partial(content_of, archive), digest))
