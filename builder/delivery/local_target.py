"""A layout or an archive before an image is written to it."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from m2build.delivery.destination import Destination
from m2build.delivery.likeness import can_be
from m2build.errors import M2BuildError, StorageError, UsageError
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.places import PlaceKind
from m2build.stores.layout import blob_path
from m2build.stores.places import read_image
from m2build.stores.stored import nearest


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
    def folder(self) -> Path:
        """The folder that is written to, or the file's."""
        path = self._path
        return path if self._is_layout else path.parent

    def check(self) -> None:
        """See that it can be written; a device, a pipe or stdout is tried when it is written to."""
        if self._is_layout:
            self._check_folder()
        if self._is_layout or not self._is_stream:
            _check_writable(self._path, self.folder)

    def check_free(self, labels: Mapping[str, str]) -> None:
        """See that nothing is there that has to stay, but the same image as before."""
        if self._is_layout:
            self._check_layout(labels)
        elif not self._is_stream:
            self._check_archive(labels)

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
        return Path(self.to.place.location)

    @property
    def _is_layout(self) -> bool:
        return self.to.place.kind is PlaceKind.OCI

    @property
    def _is_stream(self) -> bool:
        """Whether it is written to and not replaced: stdout, a device or a pipe."""
        is_special = self._path.exists() and not self._path.is_file() and not self._path.is_dir()
        return self.to.place.location == "-" or is_special

    def _check_folder(self) -> None:
        is_layout = (self._path / "oci-layout").is_file()
        if not is_layout and (self._path.is_file() or (self._path.is_dir() and any(self._path.iterdir()))):
            raise UsageError(f"{self._path} exists and is not an OCI layout", hint="name a new folder after oci:")

    def _check_layout(self, labels: Mapping[str, str]) -> None:
        stands = None if self.may_replace else self._stands()
        if stands is not None and not can_be(stands[0], labels):
            raise UsageError(
                f"{self._path} already has an image {self.to.stored.tag!r}, another one: {stands[1]}",
                hint="name another tag after a second colon, or move this one with --replace",
            )

    def _check_archive(self, labels: Mapping[str, str]) -> None:
        if self._path.is_dir() or (self._path.exists() and not self.may_replace and not self._is_again(labels)):
            raise UsageError(
                f"{self._path} exists already", hint="name another file, or overwrite this one with --replace"
            )

    def _is_again(self, labels: Mapping[str, str]) -> bool:
        stands = self._stands()
        return stands is not None and can_be(stands[0], labels)

    def _stands(self) -> tuple[ImageConfig, Digest] | None:
        """The config and the digest of the image that has the destination's name now."""
        with suppress(M2BuildError):
            stored = read_image(self.to.stored, self.platform)
            return stored.image.config, stored.digest
        return None


def _check_writable(path: Path, folder: Path) -> None:
    """See that a folder can be changed, or made with the folders above it."""
    there = nearest(folder)
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return
    reason = errno.ENOTDIR if not there.is_dir() else errno.EACCES
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        reason = errno.EROFS
    raise StorageError(
        f"{path} cannot be written: {os.strerror(reason)}",
        hint=f"check {there}, or name another place",
    )
