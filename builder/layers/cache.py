"""Members of layers that were read before, by the layers' digests: a base of 20 GB is read once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import m2build
from m2build.layers.members import Wanted
from m2build.layers.table_claims import TableClaim, claim_of_table
from m2build.local.cache import SealedFiles, cache_folder
from m2build.local.code import code_digest
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.oci.layer import claim_of
from m2build.oci.tar import Kind, Member

Claim = Digest | TableClaim | None
"""What a layer's members were checked against besides its digest: a diff_id; or, instead of it, the layer's table."""

READING = ("layers", "oci", "local", "errors.py", "progress.py")
"""The code of m2build that reads layers: it is part of every key."""


class MemberCache:
    """Members of layers. Each file is a line of JSON that lists them, followed by their contents."""

    def __init__(self, files: SealedFiles) -> None:
        self._files = files

    def get(self, layer: Digest, claim: Claim, wanted: Wanted) -> dict[str, Member] | None:
        """The wanted members of a layer, or None if they are not in the cache."""
        data = self._files.get(_key(layer, claim, wanted))
        if data is None:
            return None
        head, _, contents = data.partition(b"\n")
        members: dict[str, Member] = {}
        position = 0
        for path, kind, mode, uid, gid, mtime, held, target, xattrs, unheld, size in json.loads(head):
            content, digest = contents[position : position + held], Digest.parse(unheld) if unheld else None
            members[path] = Member(path, Kind(kind), mode, uid, gid, mtime, content, target, xattrs, digest, size)
            position += held
        return members

    def knows(self, image: Image, wanted: Wanted) -> bool:
        """Whether the wanted members of all layers of an image are in the cache."""
        layers = zip(image.manifest.layers, image.config.diff_ids, strict=True)
        return all(self.knows_layer(image, layer, diff_id, wanted) for layer, diff_id in layers)

    def knows_layer(self, image: Image, layer: Descriptor, diff_id: Digest, wanted: Wanted) -> bool:
        """Whether the wanted members of a layer are in the cache, read whole or by the layer's table."""
        table, whole = claim_of_table(image, layer), claim_of(image, layer, diff_id)
        claims: list[Claim] = [table, whole] if table else [whole]
        return any(self._files.has(_key(layer.digest, claim, wanted)) for claim in claims)

    def put(self, layer: Digest, claim: Claim, wanted: Wanted, members: Mapping[str, Member]) -> None:
        """Keep the wanted members of a layer."""
        head = [
            [m.path, m.kind, m.mode, m.uid, m.gid, m.mtime, len(m.content), m.target, dict(m.xattrs), unheld, m.size]
            for m in members.values()
            for unheld in [str(m.unheld) if m.unheld else None]
        ]
        contents = (member.content for member in members.values())
        self._files.put(_key(layer, claim, wanted), b"".join([json.dumps(head).encode(), b"\n", *contents]))


@cache
def _code() -> str:
    """The code that decides which members of a layer are read, how, and what is refused; Python's tarfile is a part."""
    own = m2build.__path__[0]
    return code_digest(f"{own}/{name}" for name in READING)


def _key(layer: Digest, claim: Claim, wanted: Wanted) -> str:
    """The key of an entry. What a layer was checked against is part of it, and so never trusted."""
    paths = [sorted(wanted.trees), sorted(wanted.entries), sorted(wanted.markers)]
    return json.dumps([_code(), str(layer), str(claim), *paths])


def member_cache() -> MemberCache:
    """The cache in the user's cache directory."""
    return MemberCache(SealedFiles(cache_folder() / "layers"))
