"""Reading images from a registry: index, platform, manifest and config by digest, layers as streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, cast

from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.found import FoundImage, located
from m2build.oci.image import Image, read_blob
from m2build.oci.manifest import Index
from m2build.oci.reference import Reference
from m2build.oci.selecting import Shelf
from m2build.registry.access import Access
from m2build.registry.blob_stream import BlobStream
from m2build.registry.client import Client
from m2build.registry.manifests import fetch_document, fetch_manifest


@dataclass(frozen=True)
class RegistryBlobs:
    """The blobs of one repository."""

    client: Client

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of the blob's bytes that resumes after a broken connection."""
        return cast("BinaryIO", BlobStream(self.client, descriptor))


def read_remote(reference: Reference, platform: str, access: Access) -> FoundImage:
    """The image that a reference names, unchecked; its layers are fetched only when they are read.

    Raises:
        TransportError: the registry fails, or does not have the image.
        UsageError: an index has no image for the platform.
        ContentError: bytes do not match their digest, or are not an image.
    """
    with located(str(reference)):
        return _read(reference, platform, access.pull(reference))


def _read(reference: Reference, platform: str, client: Client) -> FoundImage:
    wanted = Digest.parse(reference.digest) if reference.digest else None
    digest, manifest = fetch_manifest(client, reference.digest or reference.tag or "latest", wanted)
    blobs = RegistryBlobs(client)
    if isinstance(manifest, Index):
        manifest = Shelf(lambda entry: fetch_document(client, entry.digest), blobs).choose(manifest, platform)
    config = ImageConfig(read_blob(blobs, manifest.config))
    return FoundImage(Image(manifest, config, blobs), digest, str(reference.without_digest))
