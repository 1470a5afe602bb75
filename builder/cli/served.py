"""The options for the sources of a server; `check` and `flags` share them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

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

    def read(self, recipe: m2build.Recipe, place: str | None = None) -> list[patches.SourceTree]:
        """The sources that the options name, or those of another place; the recipe says where images have theirs."""
        at = m2build.parse_place(place or self.place or recipe.base.image)
        roots: list[str | None] = [f"/{root.path}" for root in recipe.roots.values() if root.path]
        with session(
            self.progress_mode, insecure=self.insecure, platform=self.platform or recipe.base.platform
        ) as opened:
            if at.kind in SOURCES:
                return [opened.sources(at)]
            return [opened.sources(at, source_root=root) for root in roots or [None]]


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
