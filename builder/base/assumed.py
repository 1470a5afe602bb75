"""Assumed bases: named and perhaps pinned by their user, never read, with sources from elsewhere.

They are for rendering without a network. The build checks what is assumed of the sources, file by file, before it
applies anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from m2build.base.model import Base
from m2build.base.stand_in import source_config, source_members
from m2build.errors import UsageError
from m2build.layers.filesystem import Filesystem
from m2build.oci.config import ImageConfig
from m2build.oci.digest import Digest
from m2build.oci.manifest import canonical
from m2build.oci.reference import parse_reference
from m2build.patches.tree import SourceTree
from m2build.places.place import Place, PlaceKind


def assumed_base(place: Place, trees: Mapping[str, SourceTree], *, platform: str, is_pinned: bool) -> Base:
    """The base of a name in a registry, taken to hold source trees.

    Args:
        place: its name, with the digest of an image or an index if it is pinned.
        trees: the sources, by where they are, relative to the image's root; the first one's time is the base's.
        platform: `os/architecture[/variant]`.
        is_pinned: whether a digest is required; otherwise the tag is enough.

    Raises:
        UsageError: the place is not in a registry; or it has no digest, and the base is to be pinned.
        ContentError: the sources are larger than a stand-in base may be.
    """
    if place.kind is not PlaceKind.REGISTRY:
        raise UsageError(f"{place} is not a name in a registry", hint="as in --base NAME:TAG@sha256:…")
    reference = parse_reference(place.location)
    if is_pinned and reference.digest is None:
        raise UsageError(
            f"{reference} has no digest, and m2build does not ask its registry for one",
            hint=f"add it: --base {reference.name}@sha256:…; or leave it open with --unpinned",
        )
    members = (member for root, tree in trees.items() for member in source_members(tree, root))
    unknown_layers = {"rootfs": {"type": "layers", "diff_ids": []}}
    return Base(
        config=ImageConfig(canonical(source_config(next(iter(trees.values())), platform) | unknown_layers)),
        digest=Digest.parse(reference.digest) if is_pinned else None,
        name=str(reference.without_digest),
        filesystem=Filesystem({member.path: member for member in members}),
    )
