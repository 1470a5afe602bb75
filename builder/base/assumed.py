"""Assumed bases: named and perhaps pinned by their user, never read, with sources from elsewhere.

They are for rendering without a network. The build checks what is assumed of the sources, file by file, before it
applies anything.
"""

from __future__ import annotations

from m2build.base.model import Base
from m2build.base.stand_in import source_config, source_members
from m2build.errors import UsageError
from m2build.layers.filesystem import Filesystem
from m2build.oci.config import ImageConfig
from m2build.oci.digest import Digest
from m2build.oci.manifest import canonical
from m2build.oci.reference import Reference
from m2build.patches.tree import SourceTree


def assumed_base(reference: Reference, tree: SourceTree, *, source_root: str, platform: str, is_pinned: bool) -> Base:
    """The base of a name, taken to hold a source tree at `source_root`.

    Args:
        reference: its name, with the digest of an image or an index if it is pinned.
        tree: the sources.
        source_root: an absolute path.
        platform: `os/architecture[/variant]`.
        is_pinned: whether a digest is required; otherwise the tag is enough.

    Raises:
        UsageError: the reference has no digest, and the base is to be pinned.
        ContentError: the sources are larger than a stand-in base may be.
    """
    if is_pinned and reference.digest is None:
        raise UsageError(
            f"{reference} has no digest, and m2build does not ask its registry for one",
            hint=f"add it: --base {reference.name}@sha256:…; or leave it open with --unpinned",
        )
    unknown_layers = {"rootfs": {"type": "layers", "diff_ids": []}}
    return Base(
        config=ImageConfig(canonical(source_config(tree, platform) | unknown_layers)),
        digest=Digest.parse(reference.digest) if is_pinned else None,
        name=str(reference.without_digest),
        filesystem=Filesystem({member.path: member for member in source_members(tree, source_root)}),
    )
