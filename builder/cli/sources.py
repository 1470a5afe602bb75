"""The options for the sources to patch; `patch status`, `diff` and `apply` share them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

import click

import m2build
from m2build import patches
from m2build.cli import candidates
from m2build.cli.choosing import image_platform_option
from m2build.cli.progress import progress_option
from m2build.cli.sessions import insecure_option, session
from m2build.places.place import SOURCES

_OPTIONS = (
    click.option(
        "--source",
        required=True,
        metavar="PLACE",
        help="The sources: a folder as ./DIR or dir:PATH, wheel:FILE, pypi:NAME==VERSION, or an image: oci:DIR[:TAG], "
        "oci-archive:FILE, docker-archive:FILE, docker://NAME:TAG.",
        shell_complete=candidates.places(*candidates.SOURCES, *candidates.IMAGES),
    ),
    click.option(
        "--source-root",
        metavar="PATH",
        help="The folder of the sources in an image; default: the recipe minimax-m2's.",
    ),
    image_platform_option,
    insecure_option,
    progress_option,
)


@dataclass(frozen=True)
class Sources:
    """What the options say.

    Attributes:
        place: where the sources are.
        root: their folder in an image, or None for the shipped recipe's.
        platform: the platform, if there are images for several.
        insecure: whether any registry may speak plain HTTP, or have a certificate of its own.
        progress_mode: how progress is shown.
    """

    place: m2build.Place
    root: str | None
    platform: str
    insecure: bool
    progress_mode: str

    def read(self, series: patches.Series) -> patches.SourceTree:
        """The sources; refuses a folder to which the series is applied in part."""
        with session(self.progress_mode, insecure=self.insecure, platform=self.platform) as opened:
            return opened.sources(self.place, source_root=self._root(), series=series)

    def _root(self) -> str | None:
        if self.root is not None or self.place.kind in SOURCES:  # only images need it, and a recipe takes its time
            return self.root
        return m2build.load_recipe("minimax-m2").base.source_root


def choosing_sources(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `sources`."""

    @wraps(command)
    def with_sources(
        source: str, source_root: str | None, platform: str, insecure: bool, progress_mode: str, **others: object
    ) -> None:
        place = m2build.Place.parse(source)
        command(sources=Sources(place, source_root, platform, insecure, progress_mode), **others)

    for option in reversed(_OPTIONS):
        with_sources = option(with_sources)
    return with_sources
