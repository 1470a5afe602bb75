"""An image as it was found: in a layout, an archive, an engine's store or a registry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from m2build.errors import ContentError, UsageError
from m2build.oci.config import ImageConfig
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.oci.platforms import fits


@dataclass(frozen=True)
class FoundImage:
    """An image and what its place calls it.

    Attributes:
        image: the image, for one platform.
        digest: of what its name refers to: the manifest's, or that of the index which holds it.
        name: its full reference, if the place has one; never a local path.
    """

    image: Image
    digest: Digest
    name: str | None

    def checked(self, platform: str, where: str) -> FoundImage:
        """This image, if its config fits its manifest and the platform.

        Raises:
            ContentError: its config and its manifest disagree about its layers.
            UsageError: it is for another platform.
        """
        self.image.config.check(layers=len(self.image.manifest.layers))
        check_platform(self.image.config, platform, where)
        return self


def check_platform(config: ImageConfig, platform: str, where: str) -> None:
    """Check that an image is for a platform; what its config does not name fits any.

    Raises:
        UsageError: it is for another one.
    """
    found = config.platform_for(platform)
    if not fits(found, platform):
        raise UsageError(
            f"{where} is an image for {found}, not for {platform}", hint=f"to use it, add --platform {found}"
        )


@contextmanager
def located(place: str) -> Iterator[None]:
    """Name the place in errors about its content."""
    try:
        yield
    except ContentError as error:
        if place in str(error):
            raise
        raise ContentError(f"{place}: {error}", hint=error.hint) from error
