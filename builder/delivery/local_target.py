"""A layout or an archive before an image is written to it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

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
    """A layout or an archive; what its members promise is said of `Target`.

    Attributes:
        to: the destination.
        platform: of the image that may be there, `os/architecture[/variant]`.
        may_replace: whether a file, or a tag in a layout, may be replaced.
    """

    to: Destination
    platform: str
    may_replace: bool
    mounts = False
    taken_over = 0

    @property
    def folder(self) -> Path | None:
        """Where the file is or will be; of a layout, itself if it is there; None of a device, a pipe or stdout."""
        if self._is_layout:
            return self._path if (self._path / "oci-layout").is_file() else self._path.parent
        target = find_target(self._path)
        return target.path.parent if isinstance(target, FileTarget) else None

    def check(self) -> None:
        """See that it can be written; a device, a pipe or stdout is tried when it is written to."""
        with storage(self._path, "written"):
            if self._is_layout:
                self._check_folder()
                check_writable(self._path / "oci-layout")
            else:
                self._check_file()
                check_writable(self._path)

    def check_free(self, labels: Mapping[str, str]) -> None:
        """See that nothing is there that has to stay, but the same image as before."""
        stands = None if self.may_replace else self._stands()
        if stands is not None and not can_be(stands[0], labels):
            raise self._taken(stands[1])

    def named(self) -> Digest | None:
        """The digest of the image that has the name now, if there is one."""
        is_kept = self.to.place.kind is not PlaceKind.DOCKER_ARCHIVE  # which holds no digest of an image
        stands = self._stands() if is_kept else None
        return stands[1] if stands else None

    def has(self, blob: Descriptor) -> bool:
        """Whether a layout has a file of that name and length; of an archive nothing is kept."""
        if not self._is_layout:
            return False
        try:
            return (self._path / blob_path(blob)).stat().st_size == blob.size
        except OSError:
            return False

    def lacks(self, blob: Descriptor) -> bool:
        """Whether a blob will have to be copied."""
        return not self.has(blob)

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
                f"{self._path} already has an image {self.to.stored.tag!r}, another one: {by}",
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
        is_there = isinstance(target, FileTarget) and target.status is not None
        if is_there and not self.may_replace and self._stands() is None:
            raise self._taken(None)

    def _stands(self) -> tuple[ImageConfig, Digest] | None:
        """The config and the digest of the image that has the destination's name now."""
        if not self._path.is_file() and not self._is_layout:
            return None
        with suppress(M2BuildError):
            stored = read_image(self.to.stored, self.platform)
            return stored.image.config, stored.digest
        return None
