"""A layout or an archive before an image is written to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from m2build.delivery.destination import Destination
from m2build.delivery.likeness import can_be
from m2build.errors import M2BuildError, UsageError
from m2build.local.failures import storage
from m2build.local.outputs import check_writable
from m2build.local.targets import FileTarget, StreamTarget, find_target, output_path
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.places.archive import check_stream
from m2build.places.layout import blob_path
from m2build.places.place import PlaceKind
from m2build.places.transports import read_image


@dataclass(frozen=True)
class LocalTarget:
    """A layout or an archive; `Target` documents its members.

    Attributes:
        to: the destination.
        platform: of the image that may exist there, `os/architecture[/variant]`.
        may_replace: whether a file, or a tag in a layout, may be replaced.
    """

    to: Destination
    platform: str
    may_replace: bool
    mounts = False
    found: ClassVar[frozenset[Digest]] = frozenset()
    mounted = 0

    @property
    def folder(self) -> Path | None:
        """The file's folder; a layout itself if it exists; None for a device, a pipe or stdout."""
        if self._is_layout:
            return self._path if (self._path / "oci-layout").is_file() else self._path.parent
        target = find_target(self._path)
        return target.path.parent if isinstance(target, FileTarget) else None

    def check(self) -> None:
        """Check that it can be written; a device, a pipe or stdout is only tried when it is written."""
        with storage(self._path, "written"):
            if self._is_layout:
                self._check_folder()
                check_writable(self._path / "oci-layout")
            else:
                self._check_file()
                check_writable(self._path)

    def check_free(self, labels: Mapping[str, str]) -> None:
        """Check that nothing would be lost: the same image may be written again."""
        existing = None if self.may_replace else self._existing()
        if existing is not None and not can_be(existing[0], labels):
            raise self._taken(existing[1])

    def check_tag(self, digest: Digest | None) -> None:
        """Nothing: `check_free` has looked, and the image is written only where that is still so."""

    def named(self) -> Digest | None:
        """The digest of the image that has the name now, if there is one."""
        is_kept = self.to.place.kind is not PlaceKind.DOCKER_ARCHIVE  # which holds no digest of an image
        existing = self._existing() if is_kept else None
        return existing[1] if existing else None

    def has(self, blob: Descriptor) -> bool:
        """Whether a layout has a file of that name and length; an archive is always written anew."""
        if not self._is_layout:
            return False
        try:
            return (self._path / blob_path(blob)).stat().st_size == blob.size
        except OSError:
            return False

    def lacking(self, blobs: Sequence[Descriptor]) -> Sequence[Descriptor]:
        """The blobs that will have to be copied."""
        return [blob for blob in blobs if not self.has(blob)]

    @property
    def _path(self) -> Path:
        location = self.to.place.location
        return Path(location) if self._is_layout else output_path(location)

    @property
    def _is_layout(self) -> bool:
        return self.to.place.kind is PlaceKind.OCI

    def _taken(self, by: Digest | None) -> UsageError:
        if self._is_layout:
            return UsageError(
                f"{self._path} already has a different image {self.to.stored.tag!r}: {by}",
                hint="name another tag after a second colon, or move this one with --replace",
            )
        return UsageError(
            f"{self._path} exists already, and holds something else",
            hint="name another file, or overwrite this one with --replace",
        )

    def _check_folder(self) -> None:
        is_layout = (self._path / "oci-layout").is_file()
        if not is_layout and (self._path.is_file() or (self._path.is_dir() and any(self._path.iterdir()))):
            raise UsageError(
                f"{self._path} exists already, and is not an OCI layout", hint="name a new folder after oci:"
            )

    def _check_file(self) -> None:
        target = find_target(self._path)
        if isinstance(target, StreamTarget):
            check_stream(target)
        exists = isinstance(target, FileTarget) and target.status is not None
        if exists and not self.may_replace and self._existing() is None:
            raise self._taken(None)

    def _existing(self) -> tuple[ImageConfig, Digest] | None:
        """The config and the digest of the image that has the destination's name now."""
        if not self._path.is_file() and not self._is_layout:
            return None
        with suppress(M2BuildError):
            stored = read_image(self.to.stored, self.platform)
            return stored.image.config, stored.digest
        return None
