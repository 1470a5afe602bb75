"""Which image of an index fits a platform: by its entries' platforms, or else by their configs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from m2build.errors import ContentError, UsageError
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor, object_in
from m2build.oci.image import Blobs, read_blob
from m2build.oci.manifest import Index, Manifest, describes_image, parse_manifest
from m2build.oci.media_types import is_image
from m2build.oci.platforms import UNKNOWN, preference

Item = TypeVar("Item")

_DEEPEST = 8
"""The deepest nesting of indexes; BuildKit nests two."""
_MOST_LOOKED_INTO = 64
"""Entries without a platform whose configs are fetched."""


@dataclass(frozen=True)
class Shelf:
    """Where an index's manifests and configs are.

    Attributes:
        read: gives the bytes of a manifest or an index, checked.
        blobs: where the configs are.
    """

    read: Callable[[Descriptor], bytes]
    blobs: Blobs

    def manifest(self, entry: Descriptor, platform: str, *, depth: int = 0) -> Manifest:
        """The manifest of an entry, or if it is an index, the one for a platform in it.

        Raises:
            UsageError: an index has none for the platform; the message lists the available ones.
            ContentError: something is missing, altered or malformed.
        """
        found = parse_manifest(self.read(entry), entry.media_type)
        return self.choose(found, platform, depth=depth) if isinstance(found, Index) else found

    def choose(self, index: Index, platform: str, *, depth: int = 0) -> Manifest:
        """The manifest for a platform in an index; entries for no platform, such as attestations, do not count.

        Of several the first is chosen, as by docker, podman and skopeo.

        Raises:
            UsageError: there is none; the message lists the available ones.
            ContentError: something is missing, altered or malformed.
        """
        if depth > _DEEPEST:
            raise ContentError(f"its indexes are nested more than {_DEEPEST} deep")
        entries = sorted(index.manifests, key=_needs_features)
        said = [(entry, entry.platform) for entry in entries if entry.platform != UNKNOWN]
        best = _best([(entry, name) for entry, name in said if name], platform)
        if best:
            return self.manifest(best[0], platform, depth=depth + 1)
        looked = list(self._looked_into([entry for entry, name in said if not name], platform, depth + 1))
        chosen = _best(looked, platform)
        if len({manifest.digest for manifest in chosen}) > 1:
            raise UsageError(f"the index has several images for {platform}, and does not tell them apart")
        if chosen:
            return chosen[0]
        known = sorted({name for _, name in (*said, *looked) if name})
        raise UsageError(
            f"the index has no image for {platform}; it has {', '.join(known) or 'none for any platform'}",
            hint="name one of them with --platform",
        )

    def _looked_into(self, entries: Sequence[Descriptor], platform: str, depth: int) -> Iterator[tuple[Manifest, str]]:
        """The images of entries without a platform, with the platforms of their configs."""
        if len(entries) > _MOST_LOOKED_INTO:
            raise ContentError(f"more than {_MOST_LOOKED_INTO} entries of its index have no platform")
        for entry in filter(_may_be_image, entries):
            raw = self.read(entry)
            if not describes_image(raw):
                continue
            found = parse_manifest(raw, entry.media_type)
            try:
                manifest = self.choose(found, platform, depth=depth) if isinstance(found, Index) else found
            except UsageError:
                continue
            yield manifest, ImageConfig(read_blob(self.blobs, manifest.config)).platform_for(platform)


def _may_be_image(entry: Descriptor) -> bool:
    """Whether an entry does not say itself that it is another artifact; such a one need not be at hand."""
    return "artifactType" not in entry.more and (not entry.media_type or is_image(entry.media_type))


def _needs_features(entry: Descriptor) -> bool:
    """Whether an image needs more than its platform, as a Nydus image does beside the ordinary one: it comes last."""
    return bool(object_in(entry.more, "platform").get("os.features"))


def _best(items: Sequence[tuple[Item, str]], platform: str) -> list[Item]:
    """Those that fit best, in their order."""
    ranked = [(rank, item) for item, name in items if (rank := preference(name, platform)) is not None]
    best = min((rank for rank, _ in ranked), default=None)
    return [item for rank, item in ranked if rank == best]
