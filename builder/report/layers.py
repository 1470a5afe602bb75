"""Every byte of a layer: each member with its headers, its content and its padding, and what ends the archive."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from m2build.errors import ContentError
from m2build.layers.held import layer_tar
from m2build.layers.members import AUDIT_FOLDER, WHITEOUT, path_of
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.paths import parents
from m2build.oci.tar_reader import StrictTar
from m2build.recipes.parts import INIT_FILE

if TYPE_CHECKING:
    from m2build.derivation.plan import Plan
    from m2build.layers.forward import ForwardFile
    from m2build.oci.image import Image

_MOST = 20_000
"""Members of a layer on a page; an overlay has some twenty."""
_PIECE = 1 << 20


@dataclass(frozen=True)
class MemberAccount:
    """One member of a layer, in bytes.

    Attributes:
        path: its path, as it is in the layer.
        kind: file, folder, whiteout or other.
        reason: why it is there; None if the plan does not explain it.
        start: where its first header begins.
        headers: its headers, extended ones included.
        content: what it holds.
        padding: up to the next block.
        sha256: of a file's content; empty for others.
    """

    path: str
    kind: str
    reason: str | None
    start: int
    headers: int
    content: int
    padding: int
    sha256: str


@dataclass(frozen=True)
class LayerAccount:
    """A layer above the base's.

    Attributes:
        descriptor: of the layer as stored.
        diff_id: the digest of its tar.
        members: its members, in their order.
        end: the bytes after the last member, which end the archive.
    """

    descriptor: Descriptor
    diff_id: Digest
    members: tuple[MemberAccount, ...]
    end: int

    @property
    def headers(self) -> int:
        """The bytes of all headers."""
        return sum(member.headers for member in self.members)

    @property
    def content(self) -> int:
        """The bytes of all contents."""
        return sum(member.content for member in self.members)

    @property
    def padding(self) -> int:
        """The bytes of all padding."""
        return sum(member.padding for member in self.members)

    @property
    def size(self) -> int:
        """The bytes of the tar, which has the digest `diff_id`."""
        return self.headers + self.content + self.padding + self.end


def layer_account(image: Image, layer: Descriptor, diff_id: Digest, plan: Plan) -> LayerAccount:
    """Account for a layer of an image, which is read to its end and checked against both of its digests.

    Raises:
        ContentError: the layer is missing, altered, damaged, or has more members than fit on a page.
    """
    reasons = _reasons(plan)
    with layer_tar(image, layer, diff_id) as file:
        try:
            found = [_member(*pair, reasons) for pair in _read(file)]
        except (tarfile.TarError, UnicodeError, ValueError) as error:
            raise ContentError(f"the layer {layer.digest} is not a tar archive, or is damaged: {error}") from error
        while file.read(_PIECE):
            pass
        size = file.tell()
    starts = [*(member.start for member in found), size]
    members = tuple(
        _measured(member, end - start) for member, (start, end) in zip(found, pairwise(starts), strict=True)
    )
    if not members:
        return LayerAccount(layer, diff_id, (), size)
    last = replace(members[-1], padding=-members[-1].content % tarfile.BLOCKSIZE)
    end = size - last.start - last.headers - last.content - last.padding
    return LayerAccount(layer, diff_id, (*members[:-1], last), end)


def _read(file: ForwardFile) -> list[tuple[tarfile.TarInfo, str]]:
    archive = StrictTar(file, most=_MOST)
    return [(info, _sha256(archive, info)) for info in archive.headers()]


def _sha256(archive: tarfile.TarFile, info: tarfile.TarInfo) -> str:
    content = archive.extractfile(info) if info.isreg() else None
    if content is None:
        return ""
    digest = hashlib.sha256()
    while piece := content.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _member(info: tarfile.TarInfo, sha256: str, reasons: Mapping[str, str]) -> MemberAccount:
    path = path_of(info.name)
    name = path.rpartition("/")[2]
    kind = (
        "whiteout" if name.startswith(WHITEOUT) else "file" if info.isreg() else "folder" if info.isdir() else "other"
    )
    headers = info.offset_data - info.offset
    content = info.size if info.isreg() else 0
    shown = sha256 if kind == "file" else ""
    return MemberAccount(path, kind, reasons.get(path), info.offset, headers, content, 0, shown)


def _measured(member: MemberAccount, whole: int) -> MemberAccount:
    """The member with what is left of its bytes as padding, so that no byte is counted twice or left out."""
    return replace(member, padding=whole - member.headers - member.content)


def _reasons(plan: Plan) -> dict[str, str]:
    """Why the plan has each path, as in `m2build.derivation.overlay`."""
    from m2build.derivation.account import account_of

    reasons = dict.fromkeys((*plan.footing, *plan.unmade), "a folder above what changes")
    for path in plan.hidden:
        folder, slash, name = path.rpartition("/")
        reasons[f"{folder}{slash}{WHITEOUT}{name}"] = f"removes /{path}"
    for source in plan.sources:
        for result in source.changeset.results:
            for change in result.changes:
                path = f"{source.root}/{change.path}"
                is_other = reasons.get(path, "").startswith("the patch ")
                reasons[path] = f"{reasons[path]}, {result.patch.id}" if is_other else f"the patch {result.patch.id}"
    reasons |= {f"{AUDIT_FOLDER}/{name}": "the account of the changes" for name in account_of(plan.sources)}
    if plan.selection.recipe.launch.init:
        reasons[INIT_FILE.lstrip("/")] = "m2build's init, process 1 of containers"
    for folder in {folder for path in reasons for folder in parents(path)}:
        reasons.setdefault(folder, "a new folder above the account")
    return reasons
