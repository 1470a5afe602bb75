"""The two vocabularies of media types: OCI (image specification, media-types.md) and Docker (image manifest v2.2)."""

from __future__ import annotations

from dataclasses import dataclass

from m2build.errors import ContentError

_DOCKER = "application/vnd.docker."


@dataclass(frozen=True)
class MediaTypes:
    """One vocabulary; a manifest and its blobs never mix the two."""

    index: str
    manifest: str
    config: str
    layer: str
    layer_gzip: str
    layer_zstd: str | None
    has_annotations: bool

    def layer_of(self, compression: str) -> str:
        """The media type of a layer that is compressed with `gzip` or `zstd`, or not at all.

        Raises:
            ContentError: the vocabulary has none.
        """
        found = {"": self.layer, "gzip": self.layer_gzip, "zstd": self.layer_zstd}[compression]
        if found is None:
            raise ContentError(f"{self.manifest} has no media type for layers compressed with {compression}")
        return found


OCI = MediaTypes(
    index="application/vnd.oci.image.index.v1+json",
    manifest="application/vnd.oci.image.manifest.v1+json",
    config="application/vnd.oci.image.config.v1+json",
    layer="application/vnd.oci.image.layer.v1.tar",
    layer_gzip="application/vnd.oci.image.layer.v1.tar+gzip",
    layer_zstd="application/vnd.oci.image.layer.v1.tar+zstd",
    has_annotations=True,
)
DOCKER = MediaTypes(
    index=f"{_DOCKER}distribution.manifest.list.v2+json",
    manifest=f"{_DOCKER}distribution.manifest.v2+json",
    config=f"{_DOCKER}container.image.v1+json",
    layer=f"{_DOCKER}image.rootfs.diff.tar",
    layer_gzip=f"{_DOCKER}image.rootfs.diff.tar.gzip",
    layer_zstd=None,
    has_annotations=False,
)


def vocabulary(media_type: str) -> MediaTypes:
    """The vocabulary that a manifest's media type belongs to.

    Raises:
        ContentError: it is not an image manifest's.
    """
    for types in (OCI, DOCKER):
        if media_type == types.manifest:
            return types
    raise ContentError(f"{media_type!r} is not the media type of an image manifest")


def named_compression(media_type: str) -> str | None:
    """The compression that a layer's media type names, empty for none; None if it is not that of a plain layer.

    >>> [named_compression(name) for name in (OCI.layer_gzip, DOCKER.layer, "application/vnd.oci.empty.v1+json")]
    ['gzip', '', None]
    """
    known = {types.layer: "" for types in (OCI, DOCKER)} | {types.layer_gzip: "gzip" for types in (OCI, DOCKER)}
    return "zstd" if media_type == OCI.layer_zstd else known.get(media_type)


def is_index(media_type: str) -> bool:
    """Whether a media type is that of an index, or of a manifest list as Docker calls it."""
    return media_type in (OCI.index, DOCKER.index)


def is_distributed(media_type: str) -> bool:
    """Whether registries may pass on what has a media type: not layers that only their vendor may, as of Windows."""
    return ".foreign." not in media_type and ".nondistributable." not in media_type


def is_image(media_type: str) -> bool:
    """Whether a media type is that of an image's manifest or of an index."""
    return is_index(media_type) or media_type in (OCI.manifest, DOCKER.manifest)


def is_config(media_type: str) -> bool:
    """Whether a media type is that of an image's config, and not of some other artifact's."""
    return media_type in (OCI.config, DOCKER.config)
