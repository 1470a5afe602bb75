"""The options for a base that need not be read; `render`, `bake` and `mounts` share them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import click

import m2build
from m2build.cli import candidates
from m2build.cli.choosing import platform_option
from m2build.cli.locks import read_lock
from m2build.cli.paths import PATH
from m2build.cli.sessions import insecure_option, session
from m2build.errors import UsageError

_NAMED = re.compile(r"([a-z0-9][a-z0-9._-]*)=(?!=)(.+)", re.DOTALL)
"""A place with a folder's name; `pypi:NAME==VERSION` has none."""
_OPTIONS = (
    click.option("--base", metavar="REF", help="The base, by its name in a registry; default: the recipe's."),
    click.option(
        "--source",
        "sources",
        multiple=True,
        metavar="[NAME=]PLACE",
        help="Take the base's sources from here (dir:PATH, wheel:FILE, pypi:NAME==VERSION) and contact no registry; "
        "of several folders of sources each has its own, with its NAME.",
        shell_complete=candidates.places(*candidates.SOURCES),
    ),
    click.option("--unpinned", is_flag=True, help="Start from the tag without a digest."),
    click.option(
        "--lock",
        "path",
        metavar="FILE",
        type=PATH,
        help="Take the base by the digest in this lock, and from its mirror if its own name does not exist any more.",
    ),
    platform_option,
    insecure_option,
)


@dataclass(frozen=True)
class RenderedBase:
    """What the options say of the base.

    Attributes:
        image: its name in a registry, or None for the recipe's.
        sources: where its sources are taken from, each perhaps with the name of its folder and =; none for the base
            itself.
        is_pinned: whether to start from its digest.
        lock: the lock that names the digest and perhaps a mirror, or None.
        platform: the platform, if the base has images for several; None for the recipe's.
        insecure: whether any registry may speak plain HTTP, or have a certificate of its own.
    """

    image: str | None
    sources: tuple[str, ...]
    is_pinned: bool
    lock: Path | None
    platform: str | None
    insecure: bool

    def session(self, progress_mode: str) -> m2build.Session:
        """The session that reads the base."""
        return session(progress_mode, insecure=self.insecure, platform=self.platform)

    def find(self, session: m2build.Session, recipe: m2build.Recipe) -> m2build.Base:
        """The base as its registry has it, or assumed to hold the given sources."""
        lock = read_lock(self.lock) if self.lock else None
        return session.base(recipe, self.image, sources=self._places(), pinned=self.is_pinned, lock=lock)

    def _places(self) -> str | dict[str, str] | None:
        named = [(match[1], match[2]) for source in self.sources if (match := _NAMED.fullmatch(source))]
        if len(dict(named)) < len(named):
            raise UsageError("--source has the same name twice", hint="give one place for each folder")
        if named and len(named) == len(self.sources):
            return dict(named)
        if len(self.sources) > 1:
            raise UsageError(
                "several --source need names", hint="as in --source sglang=./sglang --source aiter=./aiter"
            )
        return self.sources[0] if self.sources else None


def choosing_base(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `base`."""

    @wraps(command)
    def with_base(
        base: str | None,
        sources: tuple[str, ...],
        unpinned: bool,
        path: Path | None,
        platform: str | None,
        insecure: bool,
        **others: object,
    ) -> None:
        if path and (sources or unpinned):
            raise UsageError("--lock names the base by digest", hint="leave out --source and --unpinned, or --lock")
        command(base=RenderedBase(base, sources, not unpinned, path, platform, insecure), **others)

    for option in reversed(_OPTIONS):
        with_base = option(with_base)
    return with_base
