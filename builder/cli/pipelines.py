"""`m2build ci`: a workflow for a CI system."""

from __future__ import annotations

from pathlib import Path

import click

import m2build
from m2build.cli import candidates
from m2build.cli.choosing import choosing_many, chosen_all
from m2build.cli.groups import Command
from m2build.cli.locks import lock_option, lock_path, read_lock
from m2build.cli.output import result
from m2build.errors import UsageError

_PLATFORMS = ("github", "gitlab", "tekton")


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # For GitHub: the profiles in the lock, published in the registry that belongs to the repository.
  m2build ci github -t ghcr.io/team/minimax-m2:{profile} > .github/workflows/m2build.yml
  # Your own recipe, derived within one registry; a tag that names another image stays.
  m2build ci gitlab --recipe ./mine.yaml --base registry.example/sglang -t registry.example/m2 --tag-policy refuse
  # Two profiles, and other releases to watch.
  m2build ci tekton --tp 4 --tp 8 --release 'sglang>=0.5.7,<0.6' -t registry.example/m2 > pipeline.yaml
""",
)
@click.argument("platform", type=click.Choice(_PLATFORMS))
@choosing_many
@lock_option
@click.option(
    "-t",
    "--tag",
    "names",
    metavar="NAME[:TAG]",
    multiple=True,
    required=True,
    help="What the images are called, as for `m2build image -t`. Repeatable.",
)
@click.option(
    "--base",
    metavar="PLACE",
    help="Where the base is, as for `m2build image`; default: the recipe's.",
    shell_complete=candidates.places(*candidates.IMAGES, *candidates.SOURCES),
)
@click.option(
    "--release",
    "releases",
    metavar="NAME>=VERSION",
    multiple=True,
    help="The releases to watch for drift; default: those after the lock's. Repeatable.",
)
@click.option("--sign", "signer", metavar="SIGNER", help="Who signs, as for `m2build image`.")
@click.option("--key", metavar="PATH", help="The public key to verify signatures with, a file of the repository.")
@click.option(
    "--tag-policy",
    type=click.Choice(["move", "refuse", "same"]),
    default="move",
    show_default=True,
    help="As for `m2build image`.",
)
@click.option("--max-transfer", metavar="SIZE", help="As for `m2build image`.")
@click.option(
    "--requirement",
    metavar="SPECIFIER",
    default=f"m2build=={m2build.__version__}",
    show_default=True,
    help="What pip installs.",
)
@click.option(
    "--image",
    metavar="REF",
    default="docker.io/library/python:3.12",
    show_default=True,
    help="The container image of jobs on GitLab and Tekton.",
)
def ci(
    platform: str,
    recipe_name: str,
    tps: tuple[int, ...],
    profiles: tuple[str, ...],
    models: tuple[str, ...],
    overrides: tuple[str, ...],
    path: Path | None,
    names: tuple[str, ...],
    base: str | None,
    releases: tuple[str, ...],
    signer: str | None,
    key: str | None,
    tag_policy: str,
    max_transfer: str | None,
    requirement: str,
    image: str,
) -> None:
    """Print a workflow: it checks for drift, builds what is locked, publishes, attests and verifies.

    It rests on a lock in the repository, from `m2build lock`; the profiles, the models and the releases to watch are
    those of the lock unless you name some. Paths are relative to the repository's root. Credentials come from the
    platform's secrets.
    """
    from m2build import pipelines

    recipe = m2build.load_recipe(recipe_name, overrides)
    place = path or lock_path(recipe_name)
    lock = read_lock(place)
    if lock.recipe != recipe.name:
        raise UsageError(
            f"{place} is the lock of the recipe {lock.recipe}, not of {recipe.name}", hint="name the other with --lock"
        )
    chosen = chosen_all(recipe, tps=tps, profiles=profiles, models=models) if tps or profiles else ()
    asked = pipelines.Pipeline(
        names=names,
        profiles=tuple(dict.fromkeys(selection.profile_id for selection in chosen)),
        models=models,
        releases=releases,
        recipe=recipe_name,
        overrides=overrides,
        lock=str(place),
        base=base,
        signer=signer,
        key=key,
        tag_policy=tag_policy,
        max_transfer=max_transfer,
        requirement=requirement,
        image=image,
    )
    result(*pipelines.render_pipeline(pipelines.pipeline_of(lock, asked), platform).splitlines())
