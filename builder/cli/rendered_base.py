"""The options that say from which base a Dockerfile starts; `render` and `bake` share them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING

import click

from m2build.cli import candidates
from m2build.cli.choosing import platform_option
from m2build.cli.network import access_to, insecure_option
from m2build.errors import UsageError
from m2build.places.place import Place, PlaceKind, parse_place, registry_place

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.progress import Progress
    from m2build.recipes.model import BaseImage

_OPTIONS = (
    click.option("--base", metavar="REF", help="The base, by its name in a registry; default: the recipe's."),
    click.option(
        "--source",
        metavar="PLACE",
        help="Take the base's sources from here (dir:PATH, wheel:FILE, pypi:NAME==VERSION) and ask no registry; the "
        "build checks them.",
        shell_complete=candidates.places(*candidates.SOURCES),
    ),
    click.option("--unpinned", is_flag=True, help="Start from the tag without a digest; a comment and a label say so."),
    platform_option,
    insecure_option,
)


@dataclass(frozen=True)
class RenderedBase:
    """What the options say of the base.

    Attributes:
        image: its name in a registry, or None for the recipe's.
        source: where its sources are taken from, or None to look at the base itself.
        is_pinned: whether to start from its digest.
        platform: which image of a base that has several, or None for the recipe's.
        insecure: whether any registry may speak plain HTTP, or have a certificate of its own.
    """

    image: str | None
    source: str | None
    is_pinned: bool
    platform: str | None
    insecure: bool

    def find(self, recipe: BaseImage, story: Progress) -> Base:
        """The base, looked at in its registry, or taken for one that holds the given sources.

        Raises:
            UsageError: a place is none, or the base has no name in a registry while its sources come from elsewhere.
            TransportError: the registry or the package index does not deliver.
            M2BuildError: the base or the sources are not what they promise to be.
        """
        wanted = recipe.model_copy(
            update={"image": self.image or recipe.image, "platform": self.platform or recipe.platform}
        )
        return self._looked_at(wanted) if self.source is None else self._assumed(wanted, self.source, story)

    def _looked_at(self, wanted: BaseImage) -> Base:
        from m2build.base.elsewhere import pulled
        from m2build.base.open import open_base

        place = self._place(wanted)
        access = access_to(place, insecure=self.insecure)
        with pulled(place):
            base = open_base(place, source_root=wanted.source_root, platform=wanted.platform, access=access)
        return base if self.is_pinned else replace(base, digest=None)

    def _place(self, wanted: BaseImage) -> Place:
        return parse_place(self.image) if self.image else registry_place(wanted.image)

    def _assumed(self, wanted: BaseImage, source: str, story: Progress) -> Base:
        from m2build.base.assumed import assumed_base
        from m2build.base.sources import open_source
        from m2build.oci.reference import parse_reference

        place = self._place(wanted)
        if place.kind is not PlaceKind.REGISTRY:
            raise UsageError(f"{place} is no name in a registry", hint="as in --base NAME:TAG@sha256:…")
        root, platform = wanted.source_root, wanted.platform
        tree = open_source(parse_place(source), source_root=root, platform=platform, progress=story)
        reference = parse_reference(place.location)
        return assumed_base(reference, tree, source_root=root, platform=platform, is_pinned=self.is_pinned)


def choosing_base(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `base`."""

    @wraps(command)
    def with_base(
        base: str | None, source: str | None, unpinned: bool, platform: str | None, insecure: bool, **others: object
    ) -> None:
        command(base=RenderedBase(base, source, not unpinned, platform, insecure), **others)

    for option in reversed(_OPTIONS):
        with_base = option(with_base)
    return with_base
