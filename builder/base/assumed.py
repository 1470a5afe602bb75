"""Bases that nobody looks at: named and perhaps pinned by their user, with sources from elsewhere.

They are for rendering without a network. What is assumed of the sources is checked in the build, file by file, before
anything is applied.
"""

from __future__ import annotations

from m2build.base.model import Base
from m2build.base.stand_in import image_of_sources
from m2build.errors import UsageError
from m2build.oci.digest import Digest
from m2build.oci.reference import Reference
from m2build.patches.tree import SourceTree


def assumed_base(reference: Reference, tree: SourceTree, *, source_root: str, platform: str, is_pinned: bool) -> Base:
    """The base of a name, taken to hold a source tree at `source_root`.

    Args:
        reference: its name, with the digest of an image or an index if it is pinned.
        tree: the sources.
        source_root: an absolute path.
        platform: `os/architecture[/variant]`.
        is_pinned: whether the digest is asked for; otherwise the tag is all there is.

    Raises:
        UsageError: the reference has no digest, and the base is to be pinned.
    """
    if is_pinned and reference.digest is None:
        raise UsageError(
            f"{reference} is not pinned, and without looking at it nobody can tell its digest",
            hint=f"add it: --base {reference.name}@sha256:…; or leave it open with --unpinned",
        )
    digest = Digest.parse(reference.digest) if is_pinned else None
    image = image_of_sources(tree, source_root, platform, {})
    return Base(image, digest, str(reference.without_digest), is_assumed=True)
