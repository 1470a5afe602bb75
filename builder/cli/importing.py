"""`m2build patch import`: add other people's diffs to your own series."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from m2build.cli.groups import Command
from m2build.cli.numbers import COUNT_OR_NONE
from m2build.cli.output import result
from m2build.cli.outputs import check_file
from m2build.cli.paths import PATH
from m2build.cli.progress import progress_option
from m2build.cli.sessions import insecure_option, session
from m2build.errors import UsageError

if TYPE_CHECKING:
    from m2build.importing import FoundDiff


@click.command(
    "import",
    cls=Command,
    short_help="Add diffs that others have written to a series.",
    epilog="""\b
Examples:
  m2build patch import --pr sgl-project/sglang#16483 --strip 2 --exclude 'test/**' --series ./mine.yaml
  m2build patch import --diff ./fix.patch --series ./mine.yaml --release 0.5.7
""",
)
@click.option("--diff", metavar="FILE", type=PATH, help="A diff, or mails of `git format-patch`.")
@click.option(
    "--series-dir",
    "folder",
    metavar="DIR",
    type=PATH,
    help="A folder of diffs: quilt's with its `series`, or *.patch files.",
)
@click.option("--pr", metavar="OWNER/REPO#N", help="A pull request; a token is taken from GH_TOKEN or GITHUB_TOKEN.")
@click.option("--host", metavar="URL", default="https://github.com", show_default=True, help="Where pull requests are.")
@click.option(
    "--series",
    "series",
    metavar="FILE",
    required=True,
    type=PATH,
    help="The series file to add to; a new one is written if there is none.",
)
@click.option("--id", "patch_id", metavar="ID", help="The patch's id; default: the diff's name.")
@click.option(
    "--distribution", metavar="NAME", default="sglang", show_default=True, help="Whose sources a new series patches."
)
@click.option("--root", metavar="PATH", default="", help="The folder of the sources that the diff's paths are in.")
@click.option("--strip", metavar="N", type=COUNT_OR_NONE, help="Parts to take off each name; default: 1.")
@click.option("--exclude", metavar="GLOB", multiple=True, help="Paths to leave out, such as 'test/**'. Repeatable.")
@click.option("--release", "releases", metavar="VERSION", multiple=True, help="Try it on this release. Repeatable.")
@insecure_option
@progress_option
def import_patch(
    diff: Path | None,
    folder: Path | None,
    pr: str | None,
    host: str,
    series: Path,
    patch_id: str | None,
    distribution: str,
    root: str,
    strip: int | None,
    exclude: tuple[str, ...],
    releases: tuple[str, ...],
    insecure: bool,
    progress_mode: str,
) -> None:
    """Add diffs that others have written to a series: vendored beside it and pinned by their SHA-256.

    Title, reason, author, origin and merge commit are taken over. With --release, the releases on which the diff
    applies are written down. Nothing is overwritten.
    """
    from m2build import importing

    if sum(source is not None for source in (diff, folder, pr)) != 1:
        raise UsageError("expected one of --diff, --series-dir and --pr", hint="name what to import")
    if not series.is_symlink():  # reading it says more of a link that leads nowhere
        check_file(series)
    found: tuple[FoundDiff, ...] = ()
    if diff is not None:
        found = importing.diff_file(diff)
    elif folder is not None:
        found = importing.diff_folder(folder)
    elif pr is not None:
        found = (importing.pull_request(pr, environment=os.environ, host=host, insecure=insecure),)
    how = importing.How(distribution, patch_id, root, exclude, strip)
    with session(progress_mode, insecure=insecure, platform=None) as opened:
        trees = {version: partial(opened.sources, f"pypi:{distribution}=={version}") for version in releases}
        after = importing.import_diffs(series, found, how, trees)
    for patch in after.patches[-len(found) :]:
        result(
            f"{patch.id}  {patch.releases or 'all releases'}", f"    {series.parent / str(patch.parameters['file'])}"
        )
