"""A repository before an image is sent to it: whether it takes any, what a tag names, and which blobs it lacks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from m2build.errors import TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.registry.client import Client
from m2build.registry.manifests import named
from m2build.registry.messages import Answer
from m2build.registry.upload import ask_mount, is_there


def check_push(client: Client) -> None:
    """See that the repository takes blobs from us: begin an upload, and take it back.

    Raises:
        TransportError: the registry does not answer, or does not let us write there.
    """
    _take_back(client, client.send("POST", "blobs/uploads/", expected=(202,)))


def tag_digest(client: Client, tag: str) -> Digest | None:
    """What a tag names; None if there is no such tag, or the registry does not say."""
    with suppress(TransportError):
        return named(client, tag)
    return None


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
        try:
            answer = ask_mount(self.client, blob, self.mount_from)
        except TransportError:
            return True
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
