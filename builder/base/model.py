"""The base: the image that is derived from, by digest unless its user leaves that open."""

from __future__ import annotations

from dataclasses import dataclass

from m2build.layers.filesystem import Filesystem
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.places.place import Place


@dataclass(frozen=True)
class Base:
    """A base.

    Attributes:
        image: its manifest, config and blobs, for one platform.
        digest: of what its name refers to: the manifest's, or that of the index which holds it. None where the user
            leaves open which image the name will mean; only a Dockerfile can be made of that.
        name: a full reference, registry included; None where only the digest is known. Never a local path.
        stand_in: what the sources came from, if this is no real image: `pypi:NAME==VERSION`, `wheel` or `dir`.
        is_assumed: whether nobody has looked at it: its name and its digest are the user's word, and its image is made
            up around sources from elsewhere.
        filesystem: what it holds where patches and their account go, if a container engine has told that.
        has_layers: whether its manifest and its layers are at hand; if not, its config is an engine's account.
        place: where it was read; never written into an image, a plan's document or a label.
    """

    image: Image
    digest: Digest | None
    name: str | None
    stand_in: str | None = None
    is_assumed: bool = False
    filesystem: Filesystem | None = None
    has_layers: bool = True
    place: Place | None = None

    @property
    def is_whole(self) -> bool:
        """Whether its manifest and its layers are at hand, so that an image can be made of them."""
        return self.has_layers and not self.is_assumed

    @property
    def manifest_digest(self) -> Digest | None:
        """The digest of its manifest for the one platform, if that is known."""
        return self.image.manifest.digest if self.digest and self.is_whole else None

    @property
    def config_digest(self) -> Digest | None:
        """The digest of its config, if that is known."""
        return self.image.manifest.config.digest if self.digest and self.is_whole else None

    @property
    def chain_id(self) -> Digest | None:
        """What identifies all of its layers in their order, if they are known."""
        chain = () if self.is_assumed else self.image.config.chain_ids
        return chain[-1] if chain else None
