"""The base: the image that is derived from, always by digest."""

from __future__ import annotations

from dataclasses import dataclass

from m2build.oci.digest import Digest
from m2build.oci.image import Image


@dataclass(frozen=True)
class Base:
    """A base.

    Attributes:
        image: its manifest, config and blobs, for one platform.
        digest: of what its name refers to: the manifest's, or that of the index which holds it.
        name: a full reference, registry included; None where only the digest is known. Never a local path.
        stand_in: what the sources came from, if this is no real image: `pypi:NAME==VERSION`, `wheel` or `dir`.
    """

    image: Image
    digest: Digest
    name: str | None
    stand_in: str | None = None
