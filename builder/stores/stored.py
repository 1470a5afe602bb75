"""What reading a store gives, and how local failures are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from m2build.errors import ContentError, StorageError, UsageError
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.oci.platforms import fits


@dataclass(frozen=True)
class StoredImage:
    """An image as it was found in a store.

    Attributes:
        image: the image, for one platform.
        digest: of what its name refers to: the manifest's, or that of the index which holds it.
        name: a full reference, if the store knows one; never the local path.
    """

    image: Image
    digest: Digest
    name: str | None

    def checked(self, platform: str, where: str) -> StoredImage:
        """This image, if it is whole and for a platform.

        Raises:
            ContentError: its config and its manifest tell of different layers.
            UsageError: it is for another platform.
        """
        self.image.config.check(layers=len(self.image.manifest.layers))
        found = self.image.config.platform
        if found and not fits(found, platform):
            raise UsageError(
                f"{where} is an image for {found}, not for {platform}", hint=f"take it with --platform {found}"
            )
        return self


@contextmanager
def storage(path: Path, verb: str) -> Iterator[None]:
    """Tell an `OSError` as what could not be done to which file."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be {verb}: {error.strerror or error}",
            hint="check the path, its permissions and the space that is left" if verb == "written" else None,
        ) from error


@contextmanager
def located(place: str) -> Iterator[None]:
    """Say in which store bytes were found that are not what they should be."""
    try:
        yield
    except ContentError as error:
        if place in str(error):
            raise
        raise ContentError(f"{place}: {error}", hint=error.hint) from error
