"""The content of a derived image: how it differs from its base, how its containers start, and the digest of both.

This defines *equal* in this project. Engines that build one plan produce different layers, times and histories; the
images are equal if their content has the same digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from m2build.errors import ContentError
from m2build.inspection.runtime import runtime_of
from m2build.labels import BASE_CHAIN_ID, SOURCE_ROOT
from m2build.layers.cache import MemberCache, member_cache
from m2build.layers.contents import read_members
from m2build.layers.filesystem import Filesystem, read_filesystem
from m2build.layers.held import held
from m2build.layers.members import EVERYTHING, NOTHING, Wanted, subject, wanted_for
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import JsonObject
from m2build.oci.digest import Digest
from m2build.oci.image import Image, MemoryBlobs
from m2build.oci.manifest import canonical
from m2build.oci.paths import parents
from m2build.oci.tar import XATTR, Kind, Member
from m2build.progress import Progress

if TYPE_CHECKING:
    from m2build import printed


@dataclass(frozen=True)
class Entry:
    """What is at a path.

    Attributes:
        kind: its kind; devices and pipes are one kind.
        mode: permission bits.
        owner: `UID:GID`.
        value: the digest of a file's content, or the target of a link.
        capabilities: a file's, in hexadecimal: the only extended attribute that the layers of all engines carry.
    """

    kind: Kind
    mode: int
    owner: str
    value: str
    capabilities: str

    @classmethod
    def of(cls, member: Member) -> Entry:
        """The entry for a member of a view. Its time does not count: engines set times as they like."""
        value = str(member.digest) if member.kind is Kind.FILE else member.target
        capabilities = member.xattrs.get(f"{XATTR}security.capability", "").encode(errors="surrogateescape").hex()
        return cls(member.kind, member.mode, f"{member.uid}:{member.gid}", value, capabilities)

    def document(self) -> printed.Entry:
        """The entry as JSON, without empty members."""
        document: printed.Entry = {"kind": str(self.kind), "mode": f"{self.mode:04o}", "owner": self.owner}
        if self.value:
            document["value"] = self.value
        if self.capabilities:
            document["capabilities"] = self.capabilities
        return document


@dataclass(frozen=True)
class Content:
    """The content of an image.

    Attributes:
        changed: path -> entry, sorted: what is new or different in the image. A folder that no layer lists, and that
            unpackers add, has no entry; the root is `""`.
        removed: the paths of the base that the image lacks, sorted. A removed folder is listed without its content,
            and nothing is listed below a folder that became something else.
        runtime: how containers start, as `runtime_of` gives it.
    """

    changed: Mapping[str, Entry]
    removed: tuple[str, ...]
    runtime: Mapping[str, object]

    @cached_property
    def digest(self) -> Digest:
        """The digest of the document, as canonical JSON."""
        return Digest.of(json.dumps(self.document(), sort_keys=True, separators=(",", ":")).encode())

    def document(self) -> JsonObject:
        """The content as JSON."""
        changed = {f"/{path}": entry.document() for path, entry in self.changed.items()}
        return {"changed": changed, "removed": [f"/{path}" for path in self.removed], "runtime": dict(self.runtime)}


def base_height(config: ImageConfig) -> int:
    """How many of an image's layers, from the lowest up, are its base's.

    Raises:
        ContentError: it has no label for its base, or its layers contradict the label.
    """
    label = config.labels.get(BASE_CHAIN_ID)
    if label is None:
        raise ContentError(
            f"it does not say where its base ends: the label {BASE_CHAIN_ID} is missing",
            hint="m2build sets it on derived images, except from a Dockerfile rendered with sources from elsewhere",
        )
    base, chain = Digest.parse(label), config.chain_ids
    if base not in chain:
        raise ContentError(
            f"its label {BASE_CHAIN_ID} names the chain id {base}, but none of its layers has it",
            hint="its layers were squashed or rewritten after it was derived; build it again without that",
        )
    return chain.index(base) + 1


def read_content(image: Image, base_layers: int, progress: Progress) -> Content:
    """The content of an image: the difference between a view of its base and a view of itself.

    The layers above the base's are read whole. From the base, it reads what a derivation reads (which is in the cache
    if the image was derived on this machine) and what those layers touch.

    Args:
        image: the image.
        base_layers: how many of its layers are its base's.
        progress: receives which layer is read.

    Raises:
        ContentError: a layer is missing, truncated, altered or hostile, or writes through a link.
    """
    cache = None if isinstance(image.blobs, MemoryBlobs) else member_cache()
    with held(image) as once:
        return _content(once, base_layers, progress, cache)


def _content(image: Image, base_layers: int, progress: Progress, cache: MemberCache | None) -> Content:
    stored = list(zip(image.manifest.layers, image.config.diff_ids, strict=True))[base_layers:]
    layers = [read_members(image, layer, diff_id, EVERYTHING) for layer, diff_id in stored]
    roots = [path for key, path in image.config.labels.items() if f"{key}.".startswith(f"{SOURCE_ROOT}.")]
    wanted = (wanted_for(roots, [image.config.working_dir]) if roots else NOTHING) | _touched(layers)
    before = after = read_filesystem(_lowest(image, base_layers), wanted, progress, cache)
    for height in range(base_layers + 1, len(image.manifest.layers) + 1):  # one that writes through a link is refused
        after = read_filesystem(_lowest(image, height), wanted, progress, cache)
    return Content(dict(_changed(before, after)), tuple(_removed(before, after)), runtime_of(image.config))


def _lowest(image: Image, height: int) -> Image:
    """The lowest `height` layers of an image, as an image."""
    diff_ids = [str(diff_id) for diff_id in image.config.diff_ids[:height]]
    config = ImageConfig(canonical({"rootfs": {"type": "layers", "diff_ids": diff_ids}}))
    return replace(image, manifest=replace(image.manifest, layers=image.manifest.layers[:height]), config=config)


def _touched(layers: Sequence[Mapping[str, Member]]) -> Wanted:
    """What layers add or hide, and everything below a folder that replaces something hidden."""
    entries = (member for layer in layers for member in layer.values() if member.kind is not Kind.IMPLIED)
    members = [(member, subject(member.path)) for member in entries]
    hidden = {path for member, path in members if member.kind is not Kind.FOLDER or member.path != path}
    standing = {member.path for member, _ in members if member.kind is Kind.FOLDER}
    standing |= {"", *(parent for member, _ in members for parent in parents(member.path))}
    return Wanted(frozenset(hidden & standing), frozenset(path for _, path in members))


def _changed(before: Filesystem, after: Filesystem) -> Iterator[tuple[str, Entry]]:
    for path, member in after.items():
        entry = Entry.of(member)
        if path not in before or Entry.of(before[path]) != entry:
            yield path, entry


def _removed(before: Filesystem, after: Filesystem) -> Iterator[str]:
    gone = before.keys() - after.keys() - {parent for path in after for parent in parents(path)}
    ends = gone | {path for path, member in after.items() if member.kind is not Kind.FOLDER}
    return (path for path in sorted(gone) if ends.isdisjoint(parents(path)))
