"""Sending what exists already into a registry, as far as its user allows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from m2build.delivery.copying import Lacking
from m2build.delivery.destination import mountable_from
from m2build.delivery.publishing import Publishing
from m2build.errors import UsageError
from m2build.oci.digest import Digest
from m2build.oci.image import Content
from m2build.oci.reference import Reference, parse_reference
from m2build.progress import Progress
from m2build.registry.access import Access
from m2build.registry.push import Transfer, push_image
from m2build.registry.target import Repository, check_push, tag_digest


@dataclass(frozen=True)
class Sent:
    """What a registry has been sent.

    Attributes:
        before: what the tag named before; None if there was none, or the registry does not say.
        transfer: what was moved.
    """

    before: Digest | None
    transfer: Transfer


def registry_target(name: str) -> Reference:
    """The name that something is to have in a registry.

    Raises:
        UsageError: it is not a name, or holds a digest.
    """
    target = parse_reference(name)
    if target.digest is not None:
        raise UsageError(f"{name!r} names a digest, which the image has already", hint="leave out @sha256:…")
    return target


def accepted_target(name: str, access: Access) -> Reference:
    """The same, once the registry is known to accept a push there.

    Raises:
        UsageError: it is not a name, or holds a digest.
        TransportError: the registry does not answer, or refuses.
    """
    target = registry_target(name)
    check_push(access.push(target))
    return target


def send(
    content: Content,
    target: Reference,
    *,
    origin: str | None,
    access: Access,
    progress: Progress,
    publishing: Publishing,
) -> Sent:
    """Publish what exists; blobs that the registry has are not sent, and those that it can mount are mounted.

    Args:
        content: an image, or several.
        target: the name, with a tag.
        origin: the name in a registry of something that has the same blobs, or None.
        access: how registries are reached.
        progress: receives what moves.
        publishing: what is allowed in the registry.

    Raises:
        UsageError: the tag names something else, and may not move.
        ContentError: something is missing, truncated or altered.
        TransportError: a registry does not send or does not accept it; the tag is unchanged.
        TransferBudgetError: more would be copied than is allowed.
    """
    name, top = str(target), content.documents[-1]
    mount_from = mountable_from(name, origin) if origin else None
    before = tag_digest(access.push(target), target.tag or str(top.digest))
    publishing.tag_policy.check(name, before, top.digest)
    repository = Repository(access.push(target, [mount_from] if mount_from else []), mount_from)
    lacking = Lacking()
    blobs = {blob.digest: blob for document in content.documents for blob in document.blobs}
    lacking.add(name, repository.lacking(list(blobs.values())), mount_from)
    lacking.check(publishing, progress)
    sent = push_image(
        content, target, access, progress,
        mount_from=mount_from, policy=publishing.tag_policy, known=frozenset(repository.found),
    )  # fmt: skip
    mounted = len(repository.mounted)
    return Sent(before, replace(sent, existing=sent.existing - mounted, mounted=sent.mounted + mounted))
