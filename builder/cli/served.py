"""The options for the sources of a server; `check` and `flags` share them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import NamedTuple

import click

import m2build
from m2build import patches
from m2build.cli import candidates
from m2build.cli.choosing import platform_option
from m2build.cli.progress import progress_option
from m2build.cli.sessions import insecure_option, session
from m2build.places.place import SOURCES

_OPTIONS = (
    click.option(
        "--source",
        metavar="PLACE",
        help="The server's sources: pypi:NAME==VERSION, wheel:FILE, a folder as ./DIR or dir:PATH, or an image, as for "
        "`m2build patch`. Default: the recipe's base.",
        shell_complete=candidates.places(*candidates.SOURCES, *candidates.IMAGES),
    ),
    platform_option,
    insecure_option,
    progress_option,
)


class Read(NamedTuple):
    """What was read of a base: its sources, and its environment, which sources alone do not have."""

    trees: list[patches.SourceTree]
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Served:
    """What the options say.

    Attributes:
        place: where the sources are, or None for the recipe's base.
        platform: the platform, if there are images for several; None for the recipe's.
        insecure: whether any registry may speak plain HTTP, or have a certificate of its own.
        progress_mode: how progress is shown.
    """

    place: str | None
    platform: str | None
    insecure: bool
    progress_mode: str

    def read(self, recipe: m2build.Recipe, place: str | None = None) -> Read:
        """What the options name, or another place; the recipe says where images have their sources."""
        at = m2build.Place.parse(place or self.place or recipe.base.image)
        platform = self.platform or recipe.base.platform
        with session(self.progress_mode, insecure=self.insecure, platform=platform) as opened:
            if at.kind in SOURCES:
                return Read([opened.sources(at)], {})
            base = opened.base(recipe, at)
            return Read([*opened.recipe_sources(recipe, base).values()], base.config.environment)


def choosing_served(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `served`."""

    @wraps(command)
    def with_served(
        source: str | None, platform: str | None, insecure: bool, progress_mode: str, **others: object
    ) -> None:
        command(served=Served(source, platform, insecure, progress_mode), **others)

    for option in reversed(_OPTIONS):
        with_served = option(with_served)
    return with_served
