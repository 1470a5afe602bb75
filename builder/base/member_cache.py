"""What was found in layers before, by the layers' digests: a base of 20 GB is read once.

A file holds the SHA-256 of the rest of it, then a line of JSON with the members, then their contents one after the
other. A damaged file is as good as none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from m2build.base.members import Wanted
from m2build.oci.digest import Digest
from m2build.oci.tar import Kind, Member
from m2build.patches.atomic import atomic_file
from m2build.patches.pypi import cache_folder

_FORMAT = 1
"""Part of every key: raised when a file, or what reading a layer means, changes."""


class MemberCache:
    """Members of layers, in a folder; what cannot be read or written is left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, layer: Digest, diff_id: Digest, wanted: Wanted) -> dict[str, Member] | None:
        """The wanted members of a layer, or None if they are not there."""
        try:
            data = self._path(layer, diff_id, wanted).read_bytes()
        except OSError:
            return None
        digest, _, rest = data.partition(b"\n")
        if hashlib.sha256(rest).hexdigest().encode() != digest:
            return None
        head, _, contents = rest.partition(b"\n")
        members: dict[str, Member] = {}
        position = 0
        for path, kind, mode, uid, gid, mtime, size, target, xattrs in json.loads(head):
            content = contents[position : position + size]
            members[path] = Member(path, Kind(kind), mode, uid, gid, mtime, content, target, xattrs)
            position += size
        return members

    def put(self, layer: Digest, diff_id: Digest, wanted: Wanted, members: Mapping[str, Member]) -> None:
        """Keep the wanted members of a layer."""
        head = json.dumps(
            [
                [m.path, m.kind, m.mode, m.uid, m.gid, m.mtime, len(m.content), m.target, dict(m.xattrs)]
                for m in members.values()
            ]
        )
        rest = b"".join([head.encode(), b"\n", *(member.content for member in members.values())])
        with suppress(OSError), atomic_file(self._path(layer, diff_id, wanted)) as file:
            file.write(hashlib.sha256(rest).hexdigest().encode() + b"\n")
            file.write(rest)

    def _path(self, layer: Digest, diff_id: Digest, wanted: Wanted) -> Path:
        key = json.dumps([_FORMAT, str(layer), str(diff_id), sorted(wanted.trees), sorted(wanted.entries)])
        return self._folder / hashlib.sha256(key.encode()).hexdigest()


def member_cache() -> MemberCache:
    """The cache in the user's cache directory."""
    return MemberCache(cache_folder() / "layers")
