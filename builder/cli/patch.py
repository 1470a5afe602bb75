"""`m2build patch`: the patches by themselves, on any tree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from m2build.cli.groups import Group
from m2build.cli.network import access_to
from m2build.cli.output import json_option, print_json, progress
from m2build.errors import UsageError, WouldChangeError
from m2build.places import Place, PlaceKind, parse_place

if TYPE_CHECKING:
    from m2build.patches.changeset import Changeset, PatchResult
    from m2build.patches.series import Series
    from m2build.patches.tree import SourceTree

_DEFAULT_SERIES = "minimax-m2-rocm"

series_option = click.option(
    "--series",
    "series_name",
    metavar="ID|FILE",
    default=_DEFAULT_SERIES,
    show_default=True,
    help="A shipped series, or your own as a YAML file.",
)
source_option = click.option(
    "--source",
    required=True,
    metavar="PLACE",
    help="The sources: a folder, dir:PATH, wheel:FILE, pypi:NAME==VERSION, or an image: oci:DIR[:TAG], "
    "oci-archive:FILE, docker-archive:FILE, docker://NAME:TAG.",
)
root_option = click.option(
    "--source-root", metavar="PATH", help="Where the sources stand in an image; default: as in the recipe minimax-m2."
)


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  m2build patch list
  m2build patch status --source ./sglang/python
  m2build patch diff --source pypi:sglang==0.5.7
""",
)
def patch() -> None:
    """Look at patches, and try, apply or take them back on any source tree."""


@patch.command("list", epilog="\b\nExample:\n  m2build patch list --series ./mine.yaml")
@series_option
@json_option
def list_patches(series_name: str, as_json: bool) -> None:
    """List the patches of a series."""
    series = _load(series_name)
    if as_json:
        print_json(series.model_dump(mode="json"))
        return
    for entry in series.patches:
        click.echo(f"{entry.id}  {entry.releases}\n    {entry.summary}")


@patch.command(epilog="\b\nExample:\n  m2build patch show disable-rmsnorm-compile")
@click.argument("patch_id", metavar="PATCH")
@series_option
@json_option
def show(patch_id: str, series_name: str, as_json: bool) -> None:
    """Show one patch: what it does, why, and where that was reported."""
    entry = _load(series_name).patch(patch_id)
    if as_json:
        print_json(entry.model_dump(mode="json"))
        return
    click.echo(f"{entry.id}: {entry.summary}\n")
    click.echo("".join(f"  {line}\n" for line in entry.why.splitlines()))
    click.echo(f"codemod      {entry.codemod}")
    for name, value in entry.parameters.items():
        click.echo(f"  {name} = {value}")
    click.echo(f"releases     {entry.releases}")
    click.echo(f"when absent  {entry.when_absent}")
    click.echo(f"accepts      {', '.join(['applied', *entry.accept])}")
    for reference in entry.references:
        click.echo(f"reference    {reference}")


@patch.command(epilog="\b\nExample:\n  m2build patch status --source ./sglang/python")
@source_option
@root_option
@series_option
@click.option("--check", is_flag=True, help="Exit with 14 if a patch would change something.")
@json_option
def status(source: str, source_root: str | None, series_name: str, check: bool, as_json: bool) -> None:
    """Say what each patch comes to on these sources. Writes nothing."""
    from m2build.patches.audit import account

    changeset = _changeset(source, source_root, series_name)
    if as_json:
        print_json(account(changeset))
    else:
        for result in changeset.results:
            _print_result(result)
    changeset.checked()
    if check and changeset.changes:
        raise WouldChangeError(f"{len(changeset.changes)} files would change", hint="`m2build patch diff` shows how")


@patch.command(
    epilog="""\b
Examples:
  m2build patch diff --source pypi:sglang==0.5.7 | git apply
  m2build patch diff --source ./sglang/python -o ./patches
"""
)
@source_option
@root_option
@series_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write numbered patches and `series` to a new folder."
)
def diff(source: str, source_root: str | None, series_name: str, output: Path | None) -> None:
    """Print what the series changes as one diff, for `git apply` or `patch -p1`."""
    from m2build.patches.diff import git_diff
    from m2build.patches.patch_files import patch_files
    from m2build.patches.writing import write_files

    changeset = _changeset(source, source_root, series_name).checked()
    if output is None:
        click.echo(git_diff(changeset.changes), nl=False)
    else:
        write_files(patch_files(changeset), output)
        click.echo(str(output))


@patch.command(
    epilog="""\b
Examples:
  m2build patch apply --source ./sglang/python
  m2build patch apply --source pypi:sglang==0.5.7 -o ./patched
"""
)
@source_option
@root_option
@series_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the patched tree to a new folder instead.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 14 if something would change.")
@json_option
def apply(
    source: str, source_root: str | None, series_name: str, output: Path | None, check: bool, as_json: bool
) -> None:
    """Apply the series to a folder, wholly or not at all; `patch revert` takes it back."""
    from m2build.patches.audit import account
    from m2build.patches.change import changed_tree
    from m2build.patches.changeset import apply_series
    from m2build.patches.registry import load_codemods
    from m2build.patches.writing import apply_to_directory, write_tree

    place = _place(source)
    tree = _open(place, source_root)
    changeset = apply_series(_load(series_name), tree, load_codemods()).checked()
    if check and changeset.changes:
        raise WouldChangeError(f"{len(changeset.changes)} files would change", hint="run it without --check")
    if output is not None and not check:
        write_tree(changed_tree(tree, changeset.changes), output)
    elif not check:
        apply_to_directory(changeset, _folder(place, "apply"))
    if as_json:
        print_json(account(changeset))
        return
    for result in changeset.results:
        _print_result(result)


@patch.command(epilog="\b\nExample:\n  m2build patch revert --source ./sglang/python")
@source_option
@series_option
def revert(source: str, series_name: str) -> None:
    """Take back what `patch apply` changed in a folder, to the byte."""
    from m2build.patches.writing import revert_directory

    folder = _folder(_place(source), "revert")
    for change in revert_directory(_load(series_name).id, folder):
        click.echo(change.path)


def _load(series_name: str) -> Series:
    from m2build.patches.series import load_series

    return load_series(series_name)


def _changeset(source: str, source_root: str | None, series_name: str) -> Changeset:
    from m2build.patches.changeset import apply_series
    from m2build.patches.registry import load_codemods

    return apply_series(_load(series_name), _open(_place(source), source_root), load_codemods())


def _place(source: str) -> Place:
    """The place of a source: what is plainly a folder needs no `dir:`."""
    if Path(source).is_dir():
        return Place(PlaceKind.DIRECTORY, source)
    return parse_place(source)


def _open(place: Place, source_root: str | None) -> SourceTree:
    from m2build.base.sources import open_source
    from m2build.recipes.load import load_recipe

    base = load_recipe("minimax-m2").base
    root, access = source_root or base.source_root, access_to(place, insecure=False)
    return open_source(place, source_root=root, platform=base.platform, progress=progress("auto"), access=access)


def _folder(place: Place, verb: str) -> Path:
    if place.kind is not PlaceKind.DIRECTORY:
        raise UsageError(
            f"`patch {verb}` changes a folder, and {place} is none",
            hint="give a folder as --source"
            + (", or write the patched tree elsewhere with -o DIR" * (verb == "apply")),
        )
    return Path(place.location)


def _print_result(result: PatchResult) -> None:
    click.echo(f"{result.outcome:<16} {result.patch.id}\n    {result.detail}")
    for change in result.changes:
        click.echo(f"    {f'{change.old_path} -> ' if change.renamed else ''}{change.path}")
    for mention in result.mentions:
        click.echo(f"    not rewritten: {mention.path}:{mention.line}: {mention.text}")
