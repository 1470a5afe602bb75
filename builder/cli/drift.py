"""`m2build drift`: which releases need which patch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

import m2build
from m2build import patches
from m2build.cli import candidates
from m2build.cli.choosing import platform_option
from m2build.cli.groups import Command
from m2build.cli.locks import read_lock
from m2build.cli.output import json_option, print_json, result
from m2build.cli.paths import PATH
from m2build.cli.progress import progress, progress_option
from m2build.cli.publishing import max_transfer_option
from m2build.cli.sessions import insecure_option, session
from m2build.delivery import Publishing
from m2build.errors import UsageError

if TYPE_CHECKING:
    from m2build.drift import PatchDrift, ReleaseDrift

_DEFAULT_SERIES = "minimax-m2-rocm"
_DEFAULT_RECIPE = "minimax-m2"


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # What happens if we move to another release.
  m2build drift --release 'sglang>=0.5.7,<0.5.10'
  # The same of the images in a registry. Manifests say first how much has to be fetched; more needs --max-transfer.
  m2build drift --tags 'v0.5.*-rocm*-mi30x*' --max-transfer 60GB
  m2build drift --tags 'v0.5.1*-rocm720-mi30x' --repository lmsysorg/sglang --repository lmsysorg/sglang-rocm
  # Your own series, diffs included.
  m2build drift --series ./mine.yaml --release 'sglang>=0.5.7' --json
  # In a scheduled job: a page for an issue, and exit code 14 if a release differs from the lock.
  m2build drift --recipe recipes/mine.yaml --lock recipes/m2build.lock --release 'sglang>0.5.7' --markdown > drift.md
  m2build drift --schema > drift.schema.json
""",
)
@click.option(
    "--release",
    "requirement",
    metavar="NAME>=VERSION",
    help="The published releases to try, as pip writes requirements. This or --tags is needed, except with --schema.",
)
@click.option(
    "--tags",
    "pattern",
    metavar="GLOB",
    help="The bases in a registry to try, by their tags, as in 'v0.5.*-rocm*-mi30x*'.",
)
@click.option(
    "--repository",
    "repositories",
    metavar="REPOSITORY",
    multiple=True,
    help="Where the tags are, as in lmsysorg/sglang; default: where the recipe's base is. Repeatable.",
)
@max_transfer_option("The most to fetch of the bases' layers, as in 60GB or unlimited; default: 256MiB.")
@platform_option
@insecure_option
@click.option(
    "--series",
    "series_name",
    metavar="ID|FILE",
    shell_complete=candidates.series,
    help=f"A shipped series, or your own as a YAML file; default: {_DEFAULT_SERIES}.",
)
@click.option(
    "--recipe",
    "recipe_name",
    metavar="NAME|FILE",
    shell_complete=candidates.recipes,
    help="Take the series from a recipe: the one for the distribution in --release. With --tags, the recipe also says "
    "where the sources are in a base; default: minimax-m2.",
)
@click.option(
    "--lock",
    "lock_file",
    metavar="FILE",
    type=PATH,
    help="Compare each patch with this lock; exit with 14 if its outcome differs on any release.",
)
@json_option
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a page for an issue.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of --json, and do nothing else.")
@progress_option
def drift(
    requirement: str | None,
    pattern: str | None,
    repositories: tuple[str, ...],
    max_transfer: float | None,
    platform: str | None,
    insecure: bool,
    series_name: str | None,
    recipe_name: str | None,
    lock_file: Path | None,
    as_json: bool,
    as_markdown: bool,
    schema: bool,
    progress_mode: str,
) -> None:
    """Show what a series does on each published release or base image, and what each of them needs.

    Wheels come from the package index that pip is configured for, four at a time, and are kept in the cache. Of bases
    only the layers are fetched that are not known yet. Nothing is installed, imported or patched. A patch that does not
    apply is a result, not an error.
    """
    from m2build import drift as room

    if schema:
        result(*room.Drift.schema_text().splitlines())
        return
    if as_json and as_markdown:
        raise UsageError("--json and --markdown exclude each other", hint="give one of them")
    _check_what(requirement, pattern, repositories)
    lock = read_lock(lock_file) if lock_file else None
    if pattern is not None:
        recipe = m2build.load_recipe(recipe_name or _DEFAULT_RECIPE)
        (series, *others) = _series(series_name, None if series_name else recipe)
        if others:
            raise UsageError(f"the recipe {recipe.name} has several series", hint="name one with --series")
        allowed = Publishing(max_transfer=max_transfer)
        with session(progress_mode, insecure=insecure, platform=platform, allowed=allowed) as opened:
            found = room.try_tags(series, pattern, recipe, repositories=repositories, lock=lock, session=opened)
    else:
        if series_name and recipe_name:
            raise UsageError("--series and --recipe exclude each other", hint="give one of them")
        named = _series(series_name, m2build.load_recipe(recipe_name) if recipe_name else None)
        series = room.series_for(requirement or "", named)
        found = room.try_releases(series, requirement or "", lock=lock, progress=progress(progress_mode))
    if as_json:
        print_json(found.document())
    elif as_markdown:
        result(*room.drift_markdown(found).splitlines())
    else:
        for release in found.releases:
            result(*_lines(release))
    found.checked()


def _check_what(requirement: str | None, pattern: str | None, repositories: tuple[str, ...]) -> None:
    if requirement is None and pattern is None:
        raise UsageError(
            "no releases are given", hint="as in --release 'sglang>=0.5.7' or --tags 'v0.5.*-rocm*-mi30x*'"
        )
    if requirement is not None and pattern is not None:
        raise UsageError("--release and --tags exclude each other", hint="give one of them")
    if repositories and pattern is None:
        raise UsageError("--repository is for --tags", hint="add --tags 'v0.5.*-rocm*-mi30x*', or leave it out")


def _series(series_name: str | None, recipe: m2build.Recipe | None) -> list[patches.Series]:
    names = [series_name or _DEFAULT_SERIES] if recipe is None else recipe.series_names.values()
    return [patches.load_series(name) for name in names]


def _lines(release: ReleaseDrift) -> Iterator[str]:
    is_other = release.digest is not None and release.version is not None
    yield f"{release.release:<15} {release.need:<8} {release.advice}" + f" (release {release.version})" * is_other
    if release.problem:
        yield f"    {release.problem}"
    for patch in release.patches:
        yield from _patch_lines(patch)
    for deviation in release.deviations:
        yield f"    differs from the lock: {deviation}"


def _patch_lines(patch: PatchDrift) -> Iterator[str]:
    counted = {"files": patch.files, "importers": patch.importers, "offsets": patch.offsets}
    found = ", ".join(f"{what}: {len(items)}" for what, items in counted.items() if items)
    yield f"    {patch.outcome:<15} {patch.patch}  {found if patch.is_needed else patch.detail}"
    for path in patch.importers:
        yield f"        importer: {path}"
    for mention in (*patch.hunks, *patch.offsets, *patch.relevance):
        yield f"        {mention}"
    if patch.is_needed and patch.upstream:
        yield f"        needed until: {patch.upstream}"
    if patch.drop_now:
        yield f"        drop it now: {patch.drop_now}"
