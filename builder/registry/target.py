"""A repository before an image is sent to it: whether it takes any, what a tag names, and which blobs it lacks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode

from m2build.errors import ContentError, TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.registry.client import Client
from m2build.registry.messages import Answer
from m2build.registry.pull import ACCEPT, fetch_manifest
from m2build.registry.upload import is_there

_NO_HEAD = (400, 401, 403, 405, 501)
"""What registries that know no HEAD of a manifest answer (cri-tools issue 787)."""
_NO_MOUNT = (400, 401, 403, 404, 405)


def check_push(client: Client) -> None:
    """See that the repository takes blobs from us: begin an upload, and take it back.

    Raises:
        TransportError: the registry does not answer, or does not let us write there.
    """
    _take_back(client, client.send("POST", "blobs/uploads/", expected=(202,)))


def tag_digest(client: Client, tag: str) -> Digest | None:
    """What a tag names; None if there is no such tag, or the registry does not say."""
    with suppress(TransportError):
        return _tag_digest(client, tag)
    return None


def _tag_digest(client: Client, tag: str) -> Digest | None:
    headers = {"Accept": ACCEPT}
    answer = client.send("HEAD", f"manifests/{tag}", expected=(200, 404, *_NO_HEAD), headers=headers)
    answer.start()
    if answer.status == 404:
        return None
    if answer.status == 200 and (said := answer.header("Docker-Content-Digest")):
        with suppress(ContentError):
            return Digest.parse(said)
    raw, _ = fetch_manifest(client, tag)
    return Digest.of(raw)


@dataclass(frozen=True)
class Repository:
    """What a repository has of an image that is to be sent to it.

    Attributes:
        client: how it is reached.
        mount_from: another repository of the same registry that may have the same blobs, or None.
        mounted: the blobs that were taken over from there.
    """

    client: Client
    mount_from: str | None = None
    mounted: set[Digest] = field(default_factory=set)

    def has(self, blob: Descriptor) -> bool:
        """Whether it has a blob."""
        return is_there(self.client, blob)

    def lacks(self, blob: Descriptor) -> bool:
        """Whether a blob will have to be sent: it is not there, and cannot be mounted either.

        A mount that succeeds leaves a blob that no manifest names; the registry collects it if none ever does.
        """
        if self.has(blob):
            return False
        if self.mount_from is None or self.mount_from == self.client.repository:
            return True
        query = urlencode({"mount": str(blob.digest), "from": self.mount_from})
        answer = self.client.send("POST", f"blobs/uploads/?{query}", expected=(201, 202, *_NO_MOUNT))
        if answer.status == 201:
            answer.start()
            self.mounted.add(blob.digest)
            return False
        _take_back(self.client, answer)
        return True


def _take_back(client: Client, answer: Answer) -> None:
    """Cancel the upload that an answer has begun; registries that cannot forget it by themselves."""
    answer.start()
    with suppress(TransportError):
        client.send("DELETE", client.next_step(answer), expected=(200, 202, 204)).start()
