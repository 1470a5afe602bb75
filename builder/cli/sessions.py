"""The session of a command, made from its options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import m2build
from m2build.cli.progress import progress

if TYPE_CHECKING:
    from m2build.delivery import Publishing

insecure_option = click.option(
    "--insecure",
    is_flag=True,
    help="Allow plain HTTP and unverified certificates beyond this machine's own registries.",
)


def session(
    progress_mode: str, *, insecure: bool = False, platform: str | None = None, allowed: Publishing | None = None
) -> m2build.Session:
    """A session that shows its progress on stderr."""
    shown = progress(progress_mode)
    return m2build.Session(progress=shown, insecure=insecure, platform=platform, publishing=allowed)
