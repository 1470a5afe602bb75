"""`m2build render`: the Dockerfile and its build context, for whoever builds with a container engine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from m2build.cli.choosing import choosing, chosen, platform_option
from m2build.cli.network import access_to, insecure_option
from m2build.cli.output import progress, progress_option
from m2build.errors import StorageError, UsageError
from m2build.places import PlaceKind, parse_place

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.progress import Progress
    from m2build.recipes.model import BaseImage


@click.command(
    epilog="""\b
Examples:
  # The base is looked at in its registry, and pinned to what is found there.
  m2build render --tp 8 -o ./context
  # Without a network: the sources come from elsewhere, and the build checks them.
  m2build render --tp 8 --unpinned --source pypi:sglang==0.5.7 -o ./context
  # Build it.
  docker build --tag minimax-m2:tp8 ./context
"""
)
@choosing
@click.option("--base", metavar="REF", help="The base, by its name in a registry; default: the recipe's.")
@click.option(
    "--source",
    metavar="PLACE",
    help="Take the base's sources from here (dir:PATH, wheel:FILE, pypi:NAME==VERSION) and ask no registry; the build "
    "checks them.",
)
@click.option("--unpinned", is_flag=True, help="Start from the tag without a digest; a comment and a label say so.")
@click.option("--template", type=click.Path(path_type=Path), help="A template of your own for the Dockerfile.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="A new folder for the context.")
@platform_option
@insecure_option
@progress_option
def render(
    recipe_name: str,
    tp: int | None,
    profile: str | None,
    model: str | None,
    overrides: tuple[str, ...],
    base: str | None,
    source: str | None,
    unpinned: bool,
    template: Path | None,
    output: Path,
    platform: str | None,
    insecure: bool,
    progress_mode: str,
) -> None:
    """Write a Dockerfile and its build context that come to the same image as `m2build image`.

    The build needs no network but for the base, and checks every touched file before and after. The base needs a POSIX
    shell, the coreutils, and git or GNU patch.
    """
    from m2build.derive import derive
    from m2build.patches.writing import write_files
    from m2build.recipes.load import load_recipe
    from m2build.rendering.context import render as rendered

    text = _template(template)
    loaded = load_recipe(recipe_name, overrides)
    selection = chosen(loaded, tp=tp, profile=profile, model=model)
    wanted = loaded.base.model_copy(
        update={"image": base or loaded.base.image, "platform": platform or loaded.base.platform}
    )
    story = progress(progress_mode)
    if source is None:
        found = _looked_at(wanted, is_pinned=not unpinned, insecure=insecure)
    else:
        found = _assumed(wanted, source, is_pinned=not unpinned, story=story)
    plan = derive(selection, found, environment=os.environ, progress=story)
    write_files(rendered(plan, text, name=str(template)), output)
    click.echo(str(output))


def _template(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(f"there is no template {path}", hint="check the path after --template") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the template {path} is not UTF-8 text", hint="save it as UTF-8") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error


def _looked_at(wanted: BaseImage, *, is_pinned: bool, insecure: bool) -> Base:
    from m2build.base.resolve import open_base

    place = parse_place(wanted.image)
    access = access_to(place, insecure=insecure)
    base = open_base(place, source_root=wanted.source_root, platform=wanted.platform, access=access)
    return base if is_pinned else replace(base, digest=None)


def _assumed(wanted: BaseImage, source: str, *, is_pinned: bool, story: Progress) -> Base:
    from m2build.base.assumed import assumed_base
    from m2build.base.sources import open_source
    from m2build.oci.reference import parse_reference

    place = parse_place(wanted.image)
    if place.kind is not PlaceKind.REGISTRY:
        raise UsageError(f"{place} is no name in a registry", hint="as in --base NAME:TAG@sha256:…")
    tree = open_source(parse_place(source), source_root=wanted.source_root, platform=wanted.platform, progress=story)
    reference = parse_reference(place.location)
    return assumed_base(reference, tree, source_root=wanted.source_root, platform=wanted.platform, is_pinned=is_pinned)
