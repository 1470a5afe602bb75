"""Reading images where they are: index, platform, manifest and config by digest, layers as streams."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, cast

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from m2build.errors import ContentError, TransportError
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image, read_blob
from m2build.oci.manifest import Index, parse_manifest
from m2build.oci.media_types import DOCKER, OCI
from m2build.oci.reference import Reference
from m2build.registry.access import Access
from m2build.registry.client import Client
from m2build.stores.selecting import Shelf
from m2build.stores.stored import StoredImage, located

ACCEPT = ", ".join((OCI.index, DOCKER.index, OCI.manifest, DOCKER.manifest))
_LARGEST_MANIFEST = 16 << 20
_RESUMES = 5
"""How often a blob that breaks off is taken up again; the count starts anew with every MiB that came."""


@dataclass(frozen=True)
class RegistryBlobs:
    """The blobs of one repository."""

    client: Client

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of the blob's bytes; where it breaks off it is taken up again."""
        return cast("BinaryIO", _Blob(self.client, descriptor))


def read_remote(reference: Reference, platform: str, access: Access) -> StoredImage:
    """The image that a reference names; its layers are read when they are looked at.

    Raises:
        TransportError: the registry does not deliver, or has no such image.
        UsageError: an index has no image for the platform.
        ContentError: bytes are not what their digest says, or are no image.
    """
    with located(str(reference)):
        return _read(reference, platform, access.pull(reference))


def _read(reference: Reference, platform: str, client: Client) -> StoredImage:
    raw, media_type = fetch_manifest(client, reference.digest or reference.tag or "latest")
    digest = Digest.parse(reference.digest) if reference.digest else Digest.of(raw)
    _check(digest, raw)
    manifest, blobs = parse_manifest(raw, media_type), RegistryBlobs(client)
    if isinstance(manifest, Index):
        manifest = Shelf(partial(_manifest, client), blobs).choose(manifest, platform)
    config = ImageConfig(read_blob(blobs, manifest.config))
    stored = StoredImage(Image(manifest, config, blobs), digest, str(reference.without_digest))
    return stored.checked(platform, str(reference))


def _manifest(client: Client, entry: Descriptor) -> bytes:
    """What an entry of an index names."""
    raw, _ = fetch_manifest(client, str(entry.digest))
    _check(entry.digest, raw)
    return raw


def _check(digest: Digest, raw: bytes) -> None:
    found = hashlib.new(digest.algorithm, raw).hexdigest()
    if found != digest.hex:
        raise ContentError(f"the manifest {digest} is altered: its digest is {digest.algorithm}:{found}")


def fetch_manifest(client: Client, tag_or_digest: str) -> tuple[bytes, str]:
    """A manifest's bytes as received, and the media type that they came with.

    Raises:
        TransportError: it is not there, or the registry does not deliver.
    """
    answer = client.send(
        "GET", f"manifests/{tag_or_digest}", expected=(200, 404), headers={"Accept": ACCEPT}, largest=_LARGEST_MANIFEST
    )
    if answer.status == 404:
        separator = "@" if ":" in tag_or_digest else ":"
        raise TransportError(
            f"there is no {client.name}{separator}{tag_or_digest}",
            hint="check the name and the tag; of some registries this is also the answer to missing credentials",
        )
    return answer.content, (answer.header("Content-Type") or "").partition(";")[0].strip()


class _Blob(io.RawIOBase):
    """A blob as a stream."""

    def __init__(self, client: Client, descriptor: Descriptor) -> None:
        self.name = client.name
        self._client = client
        self._descriptor = descriptor
        self._position = 0
        self._resumes = 0
        self._response: BaseHTTPResponse | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        while size and self._position < self._descriptor.size:
            try:
                response = self._open()
                data = response.read(min(size, self._descriptor.size - self._position))
            except (HTTPError, OSError) as error:
                self._break_off(error)
                continue
            if not data and "Content-Length" in response.headers:
                return b""  # all that the registry has came, and is too short: whoever checks the digest says so
            if not data:
                self._break_off(None)
                continue
            if (self._position ^ (self._position + len(data))) >> 20:
                self._resumes = 0
            self._position += len(data)
            return data
        return b""

    def close(self) -> None:
        self._drop()
        super().close()

    def _drop(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response.release_conn()
            self._response = None

    def _break_off(self, error: Exception | None) -> None:
        self._drop()
        self._resumes += 1
        if self._resumes > _RESUMES:
            raise TransportError(
                f"{self.name} breaks off again and again in the blob {self._descriptor.digest}, "
                f"at byte {self._position} of {self._descriptor.size}",
                hint="try again later",
            ) from error
        self._client.transport.pause(self._resumes)

    def _open(self) -> BaseHTTPResponse:
        if self._response is None:
            headers = {"Range": f"bytes={self._position}-"} if self._position else {}
            path = f"blobs/{self._descriptor.digest}"
            answer = self._client.send("GET", path, expected=(200, 206, 404), headers=headers)
            if answer.status == 404:
                answer.start()
                raise ContentError(f"{self.name} has no blob {self._descriptor.digest}")
            self._response = answer.response
            left = self._position if answer.status == 200 else 0
            # A registry that knows no ranges begins anew: what we have already is dropped.
            while left and (dropped := self._response.read(min(left, 1 << 20))):
                left -= len(dropped)
        return self._response
