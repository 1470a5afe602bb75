"""Whether a repository has a blob, or gets it from another repository of its registry without its bytes being sent."""

from __future__ import annotations

from dataclasses import dataclass

from m2build.errors import TransportError
from m2build.oci.descriptor import Descriptor
from m2build.registry.client import Client
from m2build.registry.upload import ask_mount, has_blob


@dataclass(frozen=True)
class Presence:
    """Whether a blob is in a repository.

    Attributes:
        is_there: whether it is.
        mounted: whether it has just been mounted.
        location: if it is not there, perhaps the URL of an upload that the registry has begun for it.
        refusal: why it was not mounted, if the registry says so.
    """

    is_there: bool
    mounted: bool = False
    location: str | None = None
    refusal: str = ""


def find_or_mount(client: Client, blob: Descriptor, mount_from: str | None) -> Presence:
    """Find a blob in a repository, or have it mounted; and look again if that is refused.

    A registry may answer 202 and begin an upload instead of the mount, or refuse it in many ways. Some that refuse have
    the blob nevertheless: Artifactory shows one in each repository as soon as a manifest names it (rules_img,
    docs/registry-support.md).

    Args:
        client: the repository.
        blob: the blob.
        mount_from: another repository of the same registry that may have it, or None.

    Raises:
        TransportError: the registry does not answer.
    """
    if has_blob(client, blob):
        return Presence(is_there=True)
    if mount_from is None or mount_from == client.repository:
        return Presence(is_there=False)
    location, refusal = None, ""
    try:
        answer = ask_mount(client, blob, mount_from)
        answer.start()
        if answer.status == 201:
            return Presence(is_there=True, mounted=True)
        location = client.upload_url(answer)
    except TransportError as error:
        refusal = str(error)
    return Presence(has_blob(client, blob), location=location, refusal=refusal)
