"""Publishing an image: blobs, then the manifest by its digest, then the tag.

Killed at any moment, the tag names what it named before, or the whole new image.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from urllib.parse import urlencode

from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Image
from m2build.oci.reference import Reference
from m2build.progress import Progress
from m2build.registry.access import Access
from m2build.registry.client import Client
from m2build.registry.parallel import in_parallel
from m2build.registry.upload import Upload, is_there

_PARALLEL = 4
_WORTH_SAYING = 64 << 20
"""Bytes above which the total is said before anything is moved."""


@dataclass(frozen=True)
class Transfer:
    """What a push came to, in blobs; bytes are of the uploaded ones.

    Attributes:
        existing: blobs that were in the repository already.
        mounted: blobs that the registry took over from another repository of its own.
        uploaded: blobs that were sent.
        bytes: how many bytes were sent.
    """

    existing: int
    mounted: int
    uploaded: int
    bytes: int


def push_image(
    image: Image, reference: Reference, access: Access, progress: Progress, *, mount_from: str | None = None
) -> Transfer:
    """Publish an image under a reference; what the registry has already is not sent.

    Args:
        image: the image; layers that have to be sent are streamed from where its blobs are.
        reference: where to; without a tag the image is published by its digest only.
        access: how to get at the registry.
        progress: is told what moves.
        mount_from: a repository of the same registry that may hold the lower layers already, or None.

    Raises:
        TransportError: the registry refuses or does not answer; the tag is as it was.
        ContentError: a blob is not what it should be; the tag is as it was.
    """
    client = access.push(reference, [mount_from] if mount_from else [])
    blobs = list({blob.digest: blob for blob in (*image.manifest.layers, image.manifest.config)}.values())
    stop = threading.Event()
    found = in_parallel(lambda blob: _look(client, blob, mount_from), blobs, threads=_PARALLEL, stop=stop)
    missing = [(blob, state) for blob, state in zip(blobs, found, strict=True) if not state.is_there]
    total = sum(blob.size for blob, _ in missing)
    if total >= _WORTH_SAYING:
        progress.step(f"uploading {total / 1e6:.0f} MB in {len(missing)} blobs to {reference.name}")
    upload = Upload(client, image.everything, progress, stop)
    in_parallel(lambda item: upload.send(item[0], item[1].location), missing, threads=_PARALLEL, stop=stop)
    _put_manifest(client, image, str(image.manifest.digest))
    if reference.tag is not None:
        _put_manifest(client, image, reference.tag)
    mounted = sum(1 for state in found if state.mounted)
    return Transfer(len(blobs) - mounted - len(missing), mounted, len(missing), total)


@dataclass(frozen=True)
class _State:
    """Where a blob stands: in the repository, or not yet, perhaps with the address of an upload that waits for it."""

    is_there: bool
    mounted: bool = False
    location: str | None = None


def _look(client: Client, blob: Descriptor, mount_from: str | None) -> _State:
    """Find a blob in the repository, or have it mounted.

    A mount is a wish: registries answer 202 with an upload instead, or refuse it if they do not let us see the source.
    """
    if is_there(client, blob):
        return _State(is_there=True)
    if mount_from is not None and mount_from != client.repository:
        query = urlencode({"mount": str(blob.digest), "from": mount_from})
        answer = client.send("POST", f"blobs/uploads/?{query}", expected=(201, 202, 400, 401, 403, 404, 405))
        answer.start()
        if answer.status == 201:
            return _State(is_there=True, mounted=True)
        if answer.status == 202:
            return _State(is_there=False, location=client.next_step(answer))
    return _State(is_there=False)


def _put_manifest(client: Client, image: Image, tag_or_digest: str) -> None:
    headers = {"Content-Type": image.manifest.types.manifest}
    path = f"manifests/{tag_or_digest}"
    client.send("PUT", path, expected=(201,), headers=headers, body=image.manifest.raw).start()
