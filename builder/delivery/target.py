"""A destination before an image is made: whether it can be written, and which of the image's blobs it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from m2build.delivery.destination import Destination, mountable_from
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.reference import parse_reference
from m2build.places.place import ENGINE_STORES, PlaceKind

if TYPE_CHECKING:
    from m2build.delivery.surroundings import Surroundings


class Target(Protocol):
    """A destination before an image is written to it."""

    @property
    def folder(self) -> Path | None:
        """The folder that is written to, or the file's; None if it is not local."""

    @property
    def mounts(self) -> bool:
        """Whether it may mount the base's blobs."""

    def check(self) -> None:
        """Check that it can be written.

        Raises:
            UsageError: something other than an image is there.
            StorageError: it cannot be written.
            TransportError: the registry does not answer, or refuses the push.
        """

    def check_free(self, labels: Mapping[str, str]) -> None:
        """Check that nothing would be lost; an image that can be the one with these labels may be written again.

        Raises:
            UsageError: something would.
        """

    def check_tag(self, digest: Digest | None) -> None:
        """Check that a tag in a registry may be made to name an image.

        Args:
            digest: the image's, or None if only the build can show it.

        Raises:
            UsageError: it names another image, and may not move.
            TransportError: the registry does not say.
        """

    def named(self) -> Digest | None:
        """The image that the destination's name means now, or None if there is none or it cannot be known."""

    def has(self, blob: Descriptor) -> bool:
        """Whether a blob is there."""

    def lacking(self, blobs: Sequence[Descriptor]) -> Sequence[Descriptor]:
        """Those of several blobs that have to be copied there; mounts first what it can.

        Raises:
            TransportError: the registry does not answer, or refuses.
        """

    @property
    def found(self) -> frozenset[Digest]:
        """The blobs that `lacking` has found there or mounted."""

    @property
    def mounted(self) -> int:
        """How many blobs `lacking` has mounted."""


def target_of(
    to: Destination, surroundings: Surroundings, *, holders: Sequence[str], platform: str, may_replace: bool
) -> Target:
    """The target of a destination.

    Args:
        to: the destination.
        surroundings: how registries are reached, and what is allowed there.
        holders: names in registries that have the base's blobs; a registry can mount those that it has itself.
        platform: `os/architecture[/variant]`.
        may_replace: whether a file, or a tag in a layout, may be replaced.
    """
    access = surroundings.access
    if to.place.kind is PlaceKind.REGISTRY and access is not None:
        from m2build.delivery.remote_target import RemoteTarget  # an HTTP library is slow to import
        from m2build.registry.target import Repository

        mount_from = mountable_from(to.reference, *holders)
        client = access.push(parse_reference(to.reference), [mount_from] if mount_from else [])
        return RemoteTarget(Repository(client, mount_from), to, platform, surroundings)
    if to.place.kind in ENGINE_STORES:
        return _Store(to)
    from m2build.delivery.local_target import LocalTarget  # so do layouts and archives

    return LocalTarget(to, platform, may_replace)


@dataclass(frozen=True)
class _Store:
    """A name in a container engine's store, to which the engine alone writes."""

    to: Destination
    folder = None
    mounts = False
    found: frozenset[Digest] = frozenset()
    mounted = 0

    def check(self) -> None:
        """Nothing: the engine has been probed."""

    def check_free(self, labels: Mapping[str, str]) -> None:
        """A name in a store may move; the report mentions it."""

    def check_tag(self, digest: Digest | None) -> None:
        """Nothing, for the same reason."""

    def named(self) -> Digest | None:
        from m2build.places.engine_store import image_as_it_is  # it needs other programs

        local = image_as_it_is(self.to.place)
        return local.image_id if local else None

    def has(self, blob: Descriptor) -> bool:  # noqa: ARG002 - engines do not say
        return False

    def lacking(self, blobs: Sequence[Descriptor]) -> Sequence[Descriptor]:  # noqa: ARG002 - the engine copies
        return ()
