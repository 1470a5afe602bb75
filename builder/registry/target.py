"""A repository before a push: whether it accepts one, what a tag names, and which blobs it lacks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from m2build.errors import TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.registry.client import Client
from m2build.registry.manifests import resolve
from m2build.registry.messages import Answer
from m2build.registry.upload import ask_mount, has_blob


def check_push(client: Client) -> None:
    """Check that the repository accepts blobs: begin an upload, and cancel it.

    Raises:
        TransportError: the registry does not answer, or refuses.
    """
    _cancel(client, client.send("POST", "blobs/uploads/", expected=(202,)))


def tag_digest(client: Client, tag: str) -> Digest | None:
    """What a tag names; None if the tag does not exist, or the registry fails."""
    with suppress(TransportError):
        return resolve(client, tag)
    return None


@dataclass(frozen=True)
class Repository:
    """A repository that an image is to be pushed to, and what it has already.

    Attributes:
        client: requests to it.
        mount_from: another repository of the same registry that may have the same blobs, or None.
        mounted: the blobs that were mounted from there.
    """

    client: Client
    mount_from: str | None = None
    mounted: set[Digest] = field(default_factory=set)

    def has(self, blob: Descriptor) -> bool:
        """Whether it has a blob."""
        return has_blob(self.client, blob)

    def lacks(self, blob: Descriptor) -> bool:
        """Whether a blob has to be sent: it is missing, and cannot be mounted.

        A mount leaves a blob that no manifest names yet; the registry's garbage collector removes it if none ever does.
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
        _cancel(self.client, answer)
        return True


def _cancel(client: Client, answer: Answer) -> None:
    """Cancel the upload that an answer has begun; where that fails, the registry lets it expire."""
    answer.start()
    with suppress(TransportError):
        client.send("DELETE", client.upload_url(answer), expected=(200, 202, 204)).start()
