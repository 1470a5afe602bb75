"""Publishing an image: blobs, then the manifest by its digest, then the tag.

Whenever a push is killed, the tag names what it named before, or the whole new image. A registry's confirmation is not
trusted: the push looks for the blobs before the tag moves, and then for the tag.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial

from m2build.errors import TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Content
from m2build.oci.reference import Reference
from m2build.progress import WORTH_SAYING, Progress, amount
from m2build.registry.access import Access
from m2build.registry.client import ASK_OPERATORS, Client
from m2build.registry.manifests import digest_of_content, put_manifest, resolve
from m2build.registry.parallel import PARALLEL, in_parallel
from m2build.registry.presence import Presence, find_or_mount
from m2build.registry.tags import TagPolicy
from m2build.registry.upload import Upload, has_blob

_LOOKS = 4
"""How often to look for what the registry has confirmed before it counts as missing."""


@dataclass(frozen=True)
class Transfer:
    """What a push transferred.

    Attributes:
        existing: blobs that were in the repository already.
        mounted: blobs that the registry mounted from another of its repositories.
        uploaded: blobs that were sent.
        bytes: how many bytes were sent.
    """

    existing: int
    mounted: int
    uploaded: int
    bytes: int


def push_image(
    image: Content,
    reference: Reference,
    access: Access,
    progress: Progress,
    *,
    mount_from: str | None = None,
    policy: TagPolicy = TagPolicy.MOVE,
    known: frozenset[Digest] = frozenset(),
) -> Transfer:
    """Publish an image under a reference; blobs that the registry has are not sent.

    Args:
        image: the image, or an index of several; missing layers are streamed from its blobs.
        reference: the destination; without a tag the image is published by its digest only.
        access: how to reach the registry.
        progress: receives what is uploaded.
        mount_from: a repository of the same registry that may hold the lower layers already, or None.
        policy: what may happen to the tag.
        known: blobs that have just been found in the repository.

    Raises:
        UsageError: the tag names another image, and the policy keeps it; nothing was sent.
        TransportError: the registry refuses, does not answer, or lacks what it has confirmed. The tag is unchanged, or
            names the whole image if only the answer was lost.
        ContentError: a blob does not match its digest; the tag is unchanged.
    """
    client = access.push(reference, [mount_from] if mount_from else [])
    *parts, top = image.documents
    blobs = list({blob.digest: blob for document in image.documents for blob in document.blobs}.values())
    name, digest = reference.tag or str(top.digest), top.digest
    if policy is not TagPolicy.MOVE and _named(client, name, digest, policy) == digest:
        return Transfer(len(blobs), 0, 0, 0)
    stop = threading.Event()

    def found_or_mounted(blob: Descriptor) -> Presence:
        return Presence(is_there=True) if blob.digest in known else find_or_mount(client, blob, mount_from)

    found = in_parallel(found_or_mounted, blobs, threads=PARALLEL, stop=stop)
    missing = [(blob, state) for blob, state in zip(blobs, found, strict=True) if not state.is_there]
    total = sum(blob.size for blob, _ in missing)
    if refusals := {state.refusal for state in found if state.refusal}:
        progress.step(
            f"{client.registry} does not mount blobs from {mount_from}, so they are uploaded: {min(refusals)}"
        )
    if total >= WORTH_SAYING:
        progress.step(f"uploading {amount(total)} in {len(missing)} blobs to {reference.name}")
    upload = Upload(client, image.everything, progress, stop)
    in_parallel(lambda item: upload.send(item[0], item[1].location), missing, threads=PARALLEL, stop=stop)
    if _named(client, name, digest, policy) != digest:
        for part in parts:
            put_manifest(client, part, str(part.digest))
        steps = [partial(put_manifest, client, top, str(digest))]
        steps += [partial(_confirm_blob, client, blob) for blob, _ in missing]
        in_parallel(lambda step: step(), steps, threads=PARALLEL, stop=stop)
        if reference.tag is not None:
            put_manifest(client, top, reference.tag)
        _confirm(client, name, digest)
    mounted = sum(1 for state in found if state.mounted)
    return Transfer(len(blobs) - mounted - len(missing), mounted, len(missing), total)


def _named(client: Client, name: str, digest: Digest, policy: TagPolicy) -> Digest | None:
    """What a tag names, which the policy allows to name a digest; also right before it does, in case others push."""
    found = resolve(client, name, trust_absence=policy is TagPolicy.MOVE)
    policy.check(f"{client.name}:{name}", found, digest)
    return found


def _confirm_blob(client: Client, blob: Descriptor) -> None:
    """Check that a blob exists that the registry has confirmed."""
    for attempt in range(1, _LOOKS):
        if has_blob(client, blob):
            return
        client.transport.pause(attempt)
    if not has_blob(client, blob):
        raise TransportError(
            f"{client.name} confirmed the blob {blob.digest}, but does not have it", hint=ASK_OPERATORS
        )


def _confirm(client: Client, name: str, digest: Digest) -> None:
    """Check that a tag or a digest names the image that the registry confirmed; some need a moment to show it."""
    confirmed = f"the registry confirmed {client.name}{'@' if ':' in name else ':'}{name} as {digest}"
    found = None
    for attempt in range(1, _LOOKS + 1):
        try:
            found = resolve(client, name, trust_absence=False)
            if found not in (digest, None):
                found = digest_of_content(client, name)  # some registries send another digest than the content's
        except TransportError as error:
            raise TransportError(f"{confirmed}, but does not show it: {error}", hint="push again to be sure") from error
        if found == digest:
            return
        if attempt < _LOOKS:
            client.transport.pause(attempt)
    what = f"names {found}: did another push move it?" if found else "does not exist"
    raise TransportError(f"{confirmed}, but it {what}", hint=ASK_OPERATORS)
