"""`m2build patch`: patches on any source tree, without an image."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

import m2build
from m2build import patches
from m2build.cli import candidates
from m2build.cli.groups import Group
from m2build.cli.importing import import_patch
from m2build.cli.output import json_option, print_json, result, result_diff, schema_option
from m2build.cli.outputs import check_folder
from m2build.cli.paths import PATH
from m2build.cli.sources import Sources, choosing_sources
from m2build.errors import UsageError, WouldChangeError
from m2build.places.place import Place, PlaceKind

_DEFAULT_SERIES = "minimax-m2-rocm"

series_option = click.option(
    "--series",
    "series_name",
    metavar="ID|FILE",
    shell_complete=candidates.series,
    default=_DEFAULT_SERIES,
    show_default=True,
    help="A shipped series, or your own as a YAML file.",
)


def _series_schema() -> str:
    from m2build.printed import schema_text

    return schema_text("patch list", patches.Series)


def _patch_schema() -> str:
    from m2build.printed import schema_text

    return schema_text("patch show", patches.Patch)


def _account_schema(command: str) -> str:
    from m2build.printed import Account, schema_text

    return schema_text(f"patch {command}", Account)


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
    """Show patches, and try, apply or revert them on any source tree."""


@patch.command("list", epilog="\b\nExample:\n  m2build patch list --series ./mine.yaml")
@series_option
@json_option
@schema_option(_series_schema, "--json")
def list_patches(series_name: str, as_json: bool) -> None:
    """List the patches of a series."""
    series = patches.load_series(series_name)
    if as_json:
        print_json(series.model_dump(mode="json"))
        return
    for entry in series.patches:
        result(f"{entry.id}  {entry.releases}", f"    {entry.summary}")


@patch.command(epilog="\b\nExample:\n  m2build patch show disable-rmsnorm-compile")
@click.argument("patch_id", metavar="PATCH", shell_complete=candidates.patches)
@series_option
@json_option
@schema_option(_patch_schema, "--json")
def show(patch_id: str, series_name: str, as_json: bool) -> None:
    """Show one patch: what it does, why, and where that was reported."""
    entry = patches.load_series(series_name).patch(patch_id)
    if as_json:
        print_json(entry.model_dump(mode="json"))
        return
    result(f"{entry.id}: {entry.summary}", "", *(f"  {line}" for line in entry.why.splitlines()), "")
    result(f"codemod      {entry.codemod}")
    for name, value in entry.parameters.items():
        result(f"  {name} = {value}")
    result(f"releases     {entry.releases}")
    result(f"when absent  {entry.when_absent}")
    result(f"accepts      {', '.join(['applied', *entry.accept])}")
    if entry.drop_when:
        result(f"drop when    {entry.drop_when}")
    for condition in entry.relevant_when:
        result(f"relevant if  {condition}")
    if entry.upstream:
        result(f"upstream     not needed from {entry.upstream} on")
    for reference in entry.references:
        result(f"reference    {reference}")


@patch.command(epilog="\b\nExample:\n  m2build patch status --source ./sglang/python")
@choosing_sources
@series_option
@click.option("--check", is_flag=True, help="Exit with 14 if a patch would change something.")
@json_option
@schema_option(partial(_account_schema, "status"), "--json")
def status(sources: Sources, series_name: str, check: bool, as_json: bool) -> None:
    """Show the outcome of each patch on these sources. Writes nothing."""
    changeset = _changeset(sources, series_name)
    if as_json:
        print_json(changeset.account())
    else:
        for found in changeset.results:
            _print_result(found)
    changeset.checked()
    if check and changeset.changes:
        raise WouldChangeError(f"{len(changeset.changes)} files would change", hint="`m2build patch diff` shows how")


@patch.command(
    short_help="Print what the series changes, as one diff.",
    epilog="""\b
Examples:
  m2build patch diff --source pypi:sglang==0.5.7 | git apply
  m2build patch diff --source ./sglang/python -o ./patches
""",
)
@choosing_sources
@series_option
@click.option("-o", "--output", type=PATH, help="Write numbered patches and `series` to a new folder.")
def diff(sources: Sources, series_name: str, output: Path | None) -> None:
    """Print what the series changes as one diff, for `git apply` or `patch -p1`."""
    if output is not None:
        check_folder(output, "series")
    changeset = _changeset(sources, series_name).checked()
    if output is None:
        result_diff(changeset.diff())
    else:
        patches.write_tree(patches.SourceTree.of(changeset.patch_files()), output)
        result(str(output))


@patch.command(
    short_help="Apply the series to a folder, wholly or not at all.",
    epilog="""\b
Examples:
  m2build patch apply --source ./sglang/python
  m2build patch apply --source pypi:sglang==0.5.7 -o ./patched
""",
)
@choosing_sources
@series_option
@click.option("-o", "--output", type=PATH, help="Write the patched tree to a new folder instead.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 14 if something would change.")
@json_option
@schema_option(partial(_account_schema, "apply"), "--json")
def apply(sources: Sources, series_name: str, output: Path | None, check: bool, as_json: bool) -> None:
    """Apply the series to a folder, wholly or not at all; `patch revert` undoes it."""
    series = patches.load_series(series_name)
    if output is not None:
        check_folder(output)
    if output is None and not check:
        changeset = patches.apply_to_directory(series, _folder(sources.place, "apply"))
    else:
        tree = sources.read(series)
        changeset = patches.apply_series(series, tree).checked()
        if check and changeset.changes:
            raise WouldChangeError(f"{len(changeset.changes)} files would change", hint="run it without --check")
        if output is not None and not check:
            patches.write_tree(patches.changed_tree(tree, changeset.changes), output)
    if as_json:
        print_json(changeset.account())
        return
    for found in changeset.results:
        _print_result(found)


@patch.command(epilog="\b\nExample:\n  m2build patch revert --source ./sglang/python")
@click.option(
    "--source",
    required=True,
    metavar="DIR",
    help="The folder, as ./DIR or dir:PATH.",
    shell_complete=candidates.places(f"{PlaceKind.DIRECTORY}:"),
)
@series_option
def revert(source: str, series_name: str) -> None:
    """Undo what `patch apply` changed in a folder, to the byte."""
    folder = _folder(m2build.Place.parse(source), "revert")
    for path in patches.revert_directory(patches.load_series(series_name), folder):
        result(path)


@patch.command(
    short_help="Print a page on the patches, for reviewers.",
    epilog="\b\nExample:\n  m2build patch waiver --source pypi:sglang==0.5.7 > waiver.md",
)
@choosing_sources
@series_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
    help="A page for people, or the account for machines.",
)
@schema_option(partial(_account_schema, "waiver"), "--format json")
def waiver(sources: Sources, series_name: str, form: str) -> None:
    """Print the page that reviewers ask for: what is patched, why, what upstream says, and when each patch goes.

    Hashes are those of these sources. Patches that do not apply are on the page too.
    """
    changeset = _changeset(sources, series_name)
    if form == "json":
        print_json(changeset.account())
    else:
        result(*changeset.waiver().splitlines())


@patch.command(
    short_help="Print the JSON Schema of the statement on patches.",
    epilog="\b\nExample:\n  m2build patch schema > patchset.schema.json",
)
def schema() -> None:
    """Print the JSON Schema of what `m2build image --attest` says of an image's patches."""
    from m2build.evidence import Patchset

    result(*Patchset.schema_text().splitlines())


patch.add_command(import_patch)


def _changeset(sources: Sources, series_name: str) -> patches.Changeset:
    series = patches.load_series(series_name)
    return patches.apply_series(series, sources.read(series))


def _folder(place: Place, verb: str) -> Path:
    if place.kind is not PlaceKind.DIRECTORY:
        raise UsageError(
            f"`patch {verb}` changes a folder, and {place} is not one",
            hint="give a folder as --source"
            + (", or write the patched tree elsewhere with -o DIR" * (verb == "apply")),
        )
    return Path(place.location)


def _print_result(found: patches.PatchResult) -> None:
    result(f"{found.outcome:<16} {found.patch.id}", f"    {found.detail}")
    for change in found.changes:
        result(f"    {change}")
    for mention in found.mentions:
        result(f"    {mention}")
    if found.patch.upstream:
        result(f"    upstream: not needed from {found.patch.upstream} on")
    if found.drop_now:
        result(f"    drop it now: {found.drop_now}")
