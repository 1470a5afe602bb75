"""The base: the image that is derived from, by digest unless its user leaves that open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from m2build.labels import STAND_IN

if TYPE_CHECKING:
    from m2build.layers.filesystem import Filesystem
    from m2build.oci.config import ImageConfig
    from m2build.oci.digest import Digest
    from m2build.oci.image import Image, Reading
    from m2build.places.place import Place


@dataclass(frozen=True)
class Claimed:
    """Digests of a base that an image names, for a base whose place does not keep its manifest.

    Attributes:
        manifest: of its manifest, which nothing there can prove.
        config: of its config, which an engine may have written anew.
    """

    manifest: Digest
    config: Digest | None


@dataclass(frozen=True)
class Base:
    """A base.

    Attributes:
        config: its config; of an image in an engine's store, what the engine says of it; of an assumed base, its
            platform and the time of its sources.
        digest: of what its name refers to: the manifest's, or that of the index which holds it. None where the user
            leaves open which image the name will mean; only a Dockerfile can be made of that.
        name: a full reference, registry included; None where only the digest is known. Never a local path.
        image: its manifest, config and layers, for one platform; None if they were not read.
        filesystem: what it holds where patches and their account go, if that is known without reading its layers.
        stand_in: what the sources came from, if it is not a real image: `pypi:NAME==VERSION`, `wheel` or `dir`.
        place: where it was read from; None for an assumed base. It may be a local path, and gets into no image.
        mirror: the name of a copy in another registry, if one is known; it gets into no image.
        is_gone: whether its own name does not exist any more, and only the mirror has it.
        by_layers: whether it counts as known by its layers alone, as in an engine's store: manifest and config have no
            digest there, even if they were read elsewhere.
        claimed: the digests to go by instead of those that it has in its place; or None.
    """

    config: ImageConfig
    digest: Digest | None
    name: str | None
    image: Image | None = None
    filesystem: Filesystem | None = None
    stand_in: str | None = None
    place: Place | None = None
    mirror: str | None = None
    is_gone: bool = False
    by_layers: bool = False
    claimed: Claimed | None = None

    @classmethod
    def of(cls, image: Image, digest: Digest, name: str | None, *, place: Place | None = None) -> Base:
        """The base that an image is."""
        return cls(image.config, digest, name, image, stand_in=image.config.labels.get(STAND_IN), place=place)

    def read_as(self, reading: Reading) -> Base:
        """The same base, with layers that are read in one way."""
        return replace(self, image=replace(self.image, reading=reading)) if self.image else self

    def read_whole(self) -> Base:
        """The same base, each layer of which is read to its end even if it has a table of contents."""
        return self.read_as(replace(self.image.reading, by_table=False)) if self.image else self

    def read_within(self, bound: float) -> Base:
        """The same base, of whose layers at most so many bytes are fetched, where they are fetched at all."""
        if self.image is None or self.image.reading.bound is None:
            return self
        return self.read_as(replace(self.image.reading, bound=bound))

    @property
    def origin(self) -> str:
        """What to call its sources in messages."""
        return self.name or f"the base {self.digest}"

    @property
    def source(self) -> str | None:
        """The name that it can be pulled by: its own, or else the mirror's."""
        return self.mirror if self.is_gone else self.name

    @property
    def holders(self) -> tuple[str, ...]:
        """The names in registries that have its layers, its own first."""
        return tuple(filter(None, (self.name, self.mirror)))

    @property
    def is_assumed(self) -> bool:
        """Whether it was not read, and is taken to have the sources that the user gave."""
        return self.image is None and self.place is None

    @property
    def manifest_digest(self) -> Digest | None:
        """The digest of its manifest for the one platform, if that is known."""
        if self.claimed:
            return self.claimed.manifest
        return self.image.manifest.digest if self._has_manifest and self.image else None

    @property
    def config_digest(self) -> Digest | None:
        """The digest of its config, if that is known."""
        if self.claimed:
            return self.claimed.config
        return self.image.manifest.config.digest if self._has_manifest and self.image else None

    @property
    def _has_manifest(self) -> bool:
        return self.digest is not None and not self.by_layers

    @property
    def chain_id(self) -> Digest | None:
        """What identifies all of its layers in their order, if they are known."""
        chain = self.config.chain_ids
        return chain[-1] if chain else None
