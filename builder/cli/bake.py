"""`m2build bake`: the chosen images of a recipe, as one folder for `docker buildx bake`."""

from __future__ import annotations

from collections.abc import Callable

import click

import m2build
from m2build import rendering
from m2build.cli.choosing import base_version_option, choosing_many, chosen_all
from m2build.cli.context_folder import writing_context
from m2build.cli.groups import Command
from m2build.cli.progress import progress_option
from m2build.cli.rendered_base import RenderedBase, choosing_base
from m2build.cli.settings import Given, setting


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # Both profiles, from the base in its registry.
  m2build bake --tp 4 --tp 8 -t registry.example/team -o ./images
  # Without a network: give the sources; the builds check them.
  m2build bake --tp 4 --tp 8 --unpinned --source pypi:sglang==0.5.7 -o ./images
  # Build and publish them; the second line uses another name and a cache.
  cd images && docker buildx bake --push
  M2BUILD_PREFIX=localhost:5000/me M2BUILD_CACHE=localhost:5000/cache docker buildx bake --push
""",
)
@choosing_many
@base_version_option
@setting
@choosing_base
@click.option(
    "-t",
    "--tag",
    "prefix",
    metavar="PREFIX",
    default="m2build",
    show_default=True,
    help="What the tags begin with: PREFIX/MODEL:PROFILE.",
)
@click.option(
    "--cache",
    metavar="REPOSITORY",
    help="The repository for the builds' registry cache, one tag for each; default: no cache.",
)
@writing_context
@progress_option
def bake(
    recipe_name: str,
    tps: tuple[int, ...],
    profiles: tuple[str, ...],
    models: tuple[str, ...],
    overrides: tuple[str, ...],
    base_version: str | None,
    given: Given,
    base: RenderedBase,
    prefix: str,
    cache: str | None,
    write: Callable[[rendering.Context], None],
    progress_mode: str,
) -> None:
    """Write a folder from which `docker buildx bake` builds an image for every profile and model.

    It holds what `m2build render` writes for each of them, and docker-bake.json with their tags, labels, annotations
    and platform. The variables M2BUILD_PREFIX and M2BUILD_CACHE override --tag and --cache during the bake.
    """
    recipe = m2build.load_recipe(recipe_name, overrides, base_version)
    selections = chosen_all(recipe, tps=tps, profiles=profiles, models=models, given=given)
    with base.session(progress_mode) as session:
        plans = session.plan_all(selections, base.find(session, recipe))
    write(rendering.render_bake(plans, prefix=prefix, cache=cache))
