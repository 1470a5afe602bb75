"""A tag in a registry before an image is pushed there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from m2build.delivery.destination import Destination
from m2build.delivery.likeness import can_be
from m2build.delivery.surroundings import Surroundings
from m2build.errors import UsageError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.places.transports import read_image
from m2build.registry.manifests import resolve
from m2build.registry.tags import TagPolicy
from m2build.registry.target import Repository, check_push, tag_digest

_WAYS = "choose another tag, or let this one move: --tag-policy move"


@dataclass(frozen=True)
class RemoteTarget:
    """A tag in a registry; `Target` documents its members.

    Attributes:
        repository: the repository, and what it has.
        to: the destination.
        platform: of the image that may have the tag, `os/architecture[/variant]`.
        surroundings: how the registry is reached, and what is allowed there.
    """

    repository: Repository
    to: Destination
    platform: str
    surroundings: Surroundings
    folder = None

    @property
    def mounts(self) -> bool:
        """Whether the base is in the same registry."""
        return self.repository.mount_from is not None

    def check(self) -> None:
        """Check that the registry accepts a push."""
        check_push(self.repository.client)

    def check_free(self, labels: Mapping[str, str]) -> None:
        """Check that the policy lets the tag be written, as far as that is known without the image."""
        found = None if self._policy is TagPolicy.MOVE else self._now()
        if found is not None and not self._can_be(found, labels):
            raise UsageError(f"{self.to.reference} names {found}, which is another image", hint=_WAYS)
        if found is None and self._policy is TagPolicy.SAME:
            raise UsageError(f"{self.to.reference} does not exist", hint="--tag-policy refuse writes a new tag")

    def check_tag(self, digest: Digest | None) -> None:
        """Check that the policy lets the tag name an image; one of unknown digest only if there is no such tag."""
        found = None if self._policy is TagPolicy.MOVE else self._now()
        if digest is not None:
            self._policy.check(self.to.reference, found, digest)
        elif found is not None:
            raise UsageError(
                f"{self.to.reference} names {found}, and the image's digest is not known before it is built",
                hint="use --engine embedded, which knows it; or choose another tag",
            )

    def named(self) -> Digest | None:
        """What the tag names; None also if the registry does not say."""
        return tag_digest(self.repository.client, self.to.tag)

    def has(self, blob: Descriptor) -> bool:
        """Whether a blob is there."""
        return self.repository.has(blob)

    def lacking(self, blobs: Sequence[Descriptor]) -> Sequence[Descriptor]:
        """The blobs that have to be sent; the others are there, or have been mounted."""
        return self.repository.lacking(blobs)

    @property
    def found(self) -> frozenset[Digest]:
        """The blobs that `lacking` has found or mounted."""
        return frozenset(self.repository.found)

    @property
    def mounted(self) -> int:
        """How many of them it has mounted."""
        return len(self.repository.mounted)

    @property
    def _policy(self) -> TagPolicy:
        return self.surroundings.publishing.tag_policy

    def _now(self) -> Digest | None:
        return resolve(self.repository.client, self.to.tag, trust_absence=False)

    def _can_be(self, found: Digest, labels: Mapping[str, str]) -> bool:
        """Whether the tag's image can be the one with these labels; an index is none that m2build writes."""
        image = read_image(self.to.place, self.platform, self.surroundings.access).image
        return image.manifest.digest == found and can_be(image.config, labels)
