"""A repository before a push: whether it accepts one, what a tag names, and which blobs it lacks."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from m2build.errors import TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.registry.client import Client
from m2build.registry.manifests import resolve
from m2build.registry.parallel import PARALLEL, in_parallel
from m2build.registry.presence import find_or_mount
from m2build.registry.upload import has_blob


def check_push(client: Client) -> None:
    """Check that the repository accepts blobs: begin an upload, and cancel it.

    Raises:
        TransportError: the registry does not answer, or refuses.
    """
    answer = client.send("POST", "blobs/uploads/", expected=(202,))
    answer.start()
    with suppress(TransportError):
        _cancel(client, client.upload_url(answer))


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
        found: blobs that it has, as `lacks` has found out.
        mounted: those of them that were mounted from there.
    """

    client: Client
    mount_from: str | None = None
    found: set[Digest] = field(default_factory=set)
    mounted: set[Digest] = field(default_factory=set)

    def has(self, blob: Descriptor) -> bool:
        """Whether it has a blob."""
        return has_blob(self.client, blob)

    def lacks(self, blob: Descriptor) -> bool:
        """Whether a blob has to be sent: it is missing, and cannot be mounted.

        A mount leaves a blob that no manifest names yet; the registry's garbage collector removes it if none ever does.
        """
        if blob.digest in self.found:
            return False
        state = find_or_mount(self.client, blob, self.mount_from)
        if state.is_there:
            self.found.add(blob.digest)
            if state.mounted:
                self.mounted.add(blob.digest)
        if state.location:
            _cancel(self.client, state.location)
        return not state.is_there

    def lacking(self, blobs: Sequence[Descriptor]) -> Sequence[Descriptor]:
        """Those of several blobs that have to be sent, as `lacks` says; asks for several at a time.

        Raises:
            TransportError: the registry does not answer, or refuses.
        """
        lacks = in_parallel(self.lacks, blobs, threads=PARALLEL, stop=threading.Event())
        return [blob for blob, is_lacking in zip(blobs, lacks, strict=True) if is_lacking]


def _cancel(client: Client, location: str) -> None:
    """Cancel the upload at a URL; where that fails, the registry lets it expire."""
    with suppress(TransportError):
        client.send("DELETE", location, expected=(200, 202, 204)).start()
