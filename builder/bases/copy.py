"""A base copied by digest into another registry, where the ones who publish it do not remove it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from m2build.delivery.sending import accepted_target, send
from m2build.errors import BaseChangedError, UsageError
from m2build.oci.digest import Digest
from m2build.oci.reference import Reference, parse_reference
from m2build.places.place import Place, PlaceKind
from m2build.registry.pull import read_remote
from m2build.registry.whole import read_whole

if TYPE_CHECKING:
    from m2build import printed
    from m2build.delivery.publishing import Publishing
    from m2build.delivery.sending import Sent
    from m2build.locking.model import Lock
    from m2build.oci.image import Content
    from m2build.progress import Progress
    from m2build.registry.access import Access


@dataclass(frozen=True)
class Mirrored:
    """A base, and its copy.

    Attributes:
        base: the base, by the digest of what was copied.
        digest: the digest of what its name means: of a manifest, or of an index.
        copied: the digest of what was copied: the same, or of one manifest in that index.
        name: the copy's full name, with its tag.
        manifests: how many manifests were copied.
        sent: what the other registry has been sent.
    """

    base: Place
    digest: str
    copied: str
    name: str
    manifests: int
    sent: Sent

    @property
    def reference(self) -> str:
        """The copy's name with its digest."""
        return f"{parse_reference(self.name).name}@{self.copied}"

    @property
    def moved(self) -> str | None:
        """A sentence about a tag that named something else before; None if it did not."""
        before = self.sent.before
        is_same = before is None or str(before) == self.copied
        return None if is_same else f"{self.name} named {before} before, and names {self.copied} now"

    @property
    def left_out(self) -> str | None:
        """A sentence about an index of which one image was copied; None if all that the name means was."""
        if self.copied == self.digest:
            return None
        return (
            f"the copy is {self.copied}, one image of the index {self.digest}, which is not in the mirror; "
            "a lock names both, and reads the mirror by the image's"
        )

    def document(self) -> printed.Mirrored:
        """The copy as JSON."""
        return {
            "base": self.base.location,
            "digest": self.digest,
            "copied": self.copied,
            "mirror": self.name,
            "reference": self.reference,
            "manifests": self.manifests,
            "uploaded": self.sent.transfer.uploaded,
            "bytes": self.sent.transfer.bytes,
        }


def mirror_base(
    place: Place,
    name: str,
    *,
    lock: Lock | None,
    platform: str | None,
    access: Access,
    progress: Progress,
    publishing: Publishing,
) -> Mirrored:
    """Copy a base into another registry, all bytes unchanged; its digest stays what it is.

    An index is copied with all its images, and with what lies beside them in it, such as attestations. What the other
    registry has already is not sent, so an interrupted copy goes on after the last complete layer.

    Args:
        place: the base, a name in a registry.
        name: what to call the copy, `REGISTRY/NAME[:TAG]`; without a tag it gets the base's, or one from its digest.
        lock: names the base, too; or None.
        platform: `os/architecture[/variant]`: of an index, only the image for this one is copied; None for all of it.
        access: how registries are reached.
        progress: receives what moves.
        publishing: what is allowed in the other registry.

    Raises:
        UsageError: the base or the copy is not a name in a registry, or the base has no image for the platform.
        BaseChangedError: the lock is of another base.
        TransportError: a registry does not deliver, or does not accept the copy; its tag is unchanged.
        ContentError: something is truncated, altered or malformed.
        TransferBudgetError: it is more than is allowed.
    """
    if place.kind is not PlaceKind.REGISTRY:
        raise UsageError(f"{place} is not a name in a registry", hint="`m2build push` publishes images of other places")
    target, own = accepted_target(name, access), parse_reference(place.location)
    digest, content = _meant(own, platform, access)
    copied = content.documents[-1].digest
    if lock is not None:
        _check(lock, own, digest, copied)
    target = replace(target, tag=target.tag or own.tag or f"sha256-{copied.hex[:12]}")
    sent = send(content, target, origin=place.location, access=access, progress=progress, publishing=publishing)
    base = Place(PlaceKind.REGISTRY, f"{own.without_digest}@{copied}")
    return Mirrored(base, str(digest), str(copied), str(target), len(content.documents), sent)


def _meant(name: Reference, platform: str | None, access: Access) -> tuple[Digest, Content]:
    """What a name means: its digest, and what is to be copied of it."""
    if platform is None:
        whole = read_whole(access.pull(name), name.digest or name.tag or "latest")
        return whole.documents[-1].digest, whole
    found = read_remote(name, platform, access).checked(platform, str(name))
    return found.digest, found.image


def _check(lock: Lock, name: Reference, digest: Digest, copied: Digest) -> None:
    base, found = lock.base, str(name.without_digest)
    is_locked = str(digest) == base.digest or str(copied) == base.manifest
    if found != base.image or not is_locked:
        raise BaseChangedError(
            f"{name} is {found}, {digest}; locked: {base.image}, {base.digest}",
            hint="name the lock's base, or bring the lock up to date: `m2build lock --update`",
        )
