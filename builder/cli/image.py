"""`m2build image`: the main job, from recipe and base to a derived image."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from m2build.cli.choosing import choosing, chosen, platform_option
from m2build.cli.delivery import deliver, destination
from m2build.cli.network import access_to, insecure_option
from m2build.cli.output import json_option, print_json, progress, progress_option
from m2build.errors import StorageError, UsageError
from m2build.places import parse_place

if TYPE_CHECKING:
    from m2build.plan import Plan


@click.command(
    epilog="""\b
Examples:
  # Try it on any machine: real sources, no 20 GB base (the image cannot run).
  m2build image --tp 8 --base pypi:sglang==0.5.7 -o oci:./minimax-m2-tp8
  # From a copy of the real base, into an archive for `docker load`.
  m2build image --tp 4 --base oci:./sglang -o docker-archive:minimax-m2.tar
  # From a registry and into it: only what is new is sent.
  m2build image --tp 8 --base localhost:5000/sglang -t localhost:5000/minimax-m2:tp8 --push
  # What would be built, and why.
  m2build image --tp 8 --base oci:./sglang --dry-run
"""
)
@choosing
@click.option(
    "--base",
    metavar="PLACE",
    help="What to derive from: a name in a registry, oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, or a "
    "stand-in made of sources: pypi:NAME==VERSION, wheel:FILE, dir:PATH. Default: the recipe's base image.",
)
@click.option(
    "-o",
    "--output",
    metavar="PLACE",
    help="Where to: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or docker://REGISTRY/NAME:TAG.",
)
@click.option(
    "-t", "--tag", "reference", metavar="NAME[:TAG]", help="What to call the image; default: m2build/MODEL:PROFILE."
)
@click.option("--push", is_flag=True, help="Publish the image under the name that --tag gives it in a registry.")
@platform_option
@insecure_option
@click.option("--replace", is_flag=True, help="Overwrite an archive, or move a tag that names another image.")
@click.option("--metadata-file", type=click.Path(path_type=Path), help="Write the result as JSON, with buildx's keys.")
@click.option("--iidfile", type=click.Path(path_type=Path), help="Write the image id (the config's digest).")
@click.option("--dry-run", is_flag=True, help="Print the plan and write nothing.")
@json_option
@progress_option
def image(
    recipe_name: str,
    tp: int | None,
    profile: str | None,
    model: str | None,
    overrides: tuple[str, ...],
    base: str | None,
    output: str | None,
    reference: str | None,
    push: bool,
    platform: str | None,
    insecure: bool,
    replace: bool,
    metadata_file: Path | None,
    iidfile: Path | None,
    dry_run: bool,
    as_json: bool,
    progress_mode: str,
) -> None:
    """Derive an image: the base, the recipe's patches, and an entrypoint that starts the profile.

    Prints NAME@DIGEST and nothing else on stdout. The same input gives the same digest on every machine; set
    SOURCE_DATE_EPOCH to choose the image's time, which otherwise is the base's.
    """
    from m2build.base.resolve import open_base
    from m2build.derived import derive_images
    from m2build.recipes.load import load_recipe
    from m2build.result import metadata

    for file in (iidfile, metadata_file):
        _check_writable(file)
    loaded = load_recipe(recipe_name, overrides)
    selection = chosen(loaded, tp=tp, profile=profile, model=model)
    to = destination(output, reference, push=push, default=f"m2build/{selection.model_id}:{selection.profile_id}")
    if to.place is None and not dry_run:
        raise UsageError("say where the image goes", hint="as in -o oci:./image, or --dry-run to see the plan only")
    story = progress(progress_mode)
    source = parse_place(loaded.base.image if base is None else base)
    access = access_to(source, to.place, insecure=insecure)
    wanted = loaded.base
    found = open_base(source, source_root=wanted.source_root, platform=platform or wanted.platform, access=access)
    if dry_run:
        from m2build.derive import derive

        _print_plan(derive(selection, found, environment=os.environ, progress=story), as_json=as_json)
        return
    (result,) = derive_images([selection], found, environment=os.environ, progress=story)
    transfer = deliver(result, to, replace=replace, access=access, progress=story)
    document = metadata(result, f"{to.name}:{to.tag}", transfer)
    _write_text(iidfile, str(result.image.manifest.config.digest))
    _write_json(metadata_file, document)
    if as_json:
        print_json(document)
    else:
        click.echo(f"{to.name}@{result.image.manifest.digest}")


def _check_writable(file: Path | None) -> None:
    """Find out now, and not when the image has been written, that the account of it cannot be."""
    if file is None:
        return
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if file.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        problem = "it is a directory" if file.is_dir() else f"{folder} is not a directory that can be written"
        raise StorageError(f"{file} cannot be written: {problem}", hint="name a file in a folder of your own")


def _print_plan(plan: Plan, *, as_json: bool) -> None:
    from m2build.engines.embedded import build

    result = build(plan)
    if as_json:
        print_json(plan.document() | {"digest": str(plan.digest), "manifest": str(result.manifest.digest)})
        return
    selection, base = plan.selection, plan.base
    layer = result.manifest.layers[-1]
    click.echo(f"plan        {plan.digest}")
    click.echo(f"recipe      {selection.recipe.name}, profile {selection.profile_id}, model {selection.model.repo}")
    click.echo(
        f"base        {base.name or base.stand_in or 'unnamed'}@{base.digest}" + " (stand-in)" * bool(base.stand_in)
    )
    click.echo(f"created     {plan.created_text}")
    for entry in plan.changeset.results:
        click.echo(f"patch       {entry.patch.id}: {entry.outcome}")
        for mention in entry.mentions:
            click.echo(f"            not rewritten: {mention.path}:{mention.line}: {mention.text}")
    for change in plan.changeset.changes:
        click.echo(f"file        {f'{change.old_path} -> ' if change.renamed else ''}{change.path}")
    for path in plan.hidden:
        click.echo(f"removed     /{path}")
    click.echo(f"layer       {layer.digest} ({layer.size} bytes)")
    click.echo(f"entrypoint  {shlex.join(selection.command)}")
    click.echo(f"manifest    {result.manifest.digest}")


def _write_text(path: Path | None, text: str) -> None:
    from m2build.patches.atomic import atomic_file
    from m2build.stores.stored import storage

    if path is not None:
        with storage(path, "written"), atomic_file(path) as file:
            file.write(text.encode())


def _write_json(path: Path | None, document: object) -> None:
    import json

    _write_text(path, json.dumps(document, indent=2) + "\n")
