"""`m2build image`: the main job, from recipe and base to derived images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from m2build.cli import candidates
from m2build.cli.choosing import choosing_many, chosen_all, platform_option
from m2build.cli.delivery import Carrier
from m2build.cli.destination import Destination, Goal, choosing_goal
from m2build.cli.groups import Command
from m2build.cli.network import access_to, insecure_option
from m2build.cli.output import note, print_json, result
from m2build.cli.plan_text import plan_document, plan_lines
from m2build.cli.progress import progress, progress_option
from m2build.cli.report import Report, reporting
from m2build.places import PlaceKind, parse_place

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.progress import Progress
    from m2build.recipes.model import Selection


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # Through Docker or podman, into its own store; without either, a thin layout.
  m2build image --tp 8
  # Try it on any machine: real sources, no 20 GB base (the image cannot run).
  m2build image --tp 8 --base pypi:sglang==0.5.7 -o oci:./minimax-m2-tp8
  # From a copy of the real base, into an archive for `docker load`.
  m2build image --tp 4 --base oci:./sglang -o docker-archive:minimax-m2.tar
  # From a registry and into it, both profiles: only what is new is sent.
  m2build image --tp 4 --tp 8 --base localhost:5000/sglang -t localhost:5000/minimax-m2 --push
  # BuildKit elsewhere does the work.
  m2build image --tp 8 --builder fleet -t registry.example/minimax-m2:tp8 --push
  # What would be built, and why.
  m2build image --tp 8 --base oci:./sglang --dry-run
""",
)
@choosing_many
@click.option(
    "--base",
    metavar="PLACE",
    help="What to derive from: a name in a registry, oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, an image "
    "of Docker's or podman's (docker-daemon:NAME, containers-storage:NAME), or a stand-in made of sources: "
    "pypi:NAME==VERSION, wheel:FILE, dir:PATH. Default: the recipe's base image.",
    shell_complete=candidates.places(*candidates.IMAGES, *candidates.SOURCES),
)
@choosing_goal
@click.option(
    "--engine",
    type=click.Choice(["embedded", "docker", "podman"]),
    help="What builds; default: see above.",
)
@click.option("--builder", metavar="NAME", help="Build with this builder of `docker buildx`, here or elsewhere.")
@platform_option
@insecure_option
@click.option("--replace", is_flag=True, help="Overwrite an archive, or move a tag that names another image.")
@reporting
@click.option("--dry-run", is_flag=True, help="Print the plan and write nothing.")
@progress_option
def image(
    recipe_name: str,
    tps: tuple[int, ...],
    profiles: tuple[str, ...],
    models: tuple[str, ...],
    overrides: tuple[str, ...],
    base: str | None,
    goal: Goal,
    engine: str | None,
    builder: str | None,
    platform: str | None,
    insecure: bool,
    replace: bool,
    report: Report,
    dry_run: bool,
    progress_mode: str,
) -> None:
    """Derive images: the base, the recipe's patches, and an entrypoint that starts the profile.

    Where to, and by what: an explicit destination (-o, --push) wins, and m2build's own embedded engine builds for it,
    without any daemon. Without one, Docker builds and keeps the image if it is running, else podman; without either,
    m2build writes a thin layout into the working directory: the new blobs, and a manifest that names the base's
    layers, for `m2build push` to complete. --engine, --builder and --load decide explicitly.

    Prints NAME@DIGEST and nothing else on stdout, a line an image. The embedded engine gives the same digest on every
    machine, every engine the same content; set SOURCE_DATE_EPOCH to choose the image's time, which otherwise is the
    base's.
    """
    from m2build.base.resolve import open_base
    from m2build.engines.choice import Wish, choose_engine
    from m2build.recipes.load import load_recipe

    loaded = load_recipe(recipe_name, overrides)
    selections = chosen_all(loaded, tps=tps, profiles=profiles, models=models)
    report.check(len(selections), goal.place)
    source = parse_place(loaded.base.image if base is None else base)
    story = progress(progress_mode)
    wish = Wish(engine, builder, goal.place, goal.is_kept, source)
    builds = None if dry_run else choose_engine(wish, story)
    destinations = goal.of(selections, builds.store if builds else None)
    access = access_to(source, goal.place, insecure=insecure)
    found = open_base(
        source,
        source_root=loaded.base.source_root,
        platform=platform or loaded.base.platform,
        access=access,
        whole=builds is None and not dry_run,
        progress=story,
    )
    if dry_run:
        _print_plans(selections, found, story, as_json=report.as_json)
        return
    carrier = Carrier(found, replace, insecure, access, story)
    if builds is not None:
        delivered = carrier.build(builds, selections, destinations)
    else:
        is_thin = goal.place is None and source.kind is PlaceKind.REGISTRY
        delivered = carrier.derive(selections, destinations, is_thin=is_thin)
        if goal.place is None:
            _tell_of_layout(destinations[0], is_thin=is_thin)
    report.tell(delivered, goal.place)


def _tell_of_layout(to: Destination, *, is_thin: bool) -> None:
    """Say what was written for want of a destination; that is no progress, and is said to everybody."""
    if is_thin:
        what = "the thin layout"
        then = f"; `m2build push {to.place.location}:{to.tag} REGISTRY/NAME:{to.tag}` completes and publishes it"
    else:
        what, then = "the layout", ""
    note(f"wrote {what} {to.place.location}, as no container engine was used{then}")


def _print_plans(selections: Sequence[Selection], base: Base, story: Progress, *, as_json: bool) -> None:
    from m2build.derive import derive_all

    plans = derive_all(selections, base, environment=os.environ, progress=story)
    if as_json:
        documents = [plan_document(plan) for plan in plans]
        print_json(documents[0] if len(documents) == 1 else list[object](documents))
    else:
        for number, plan in enumerate(plans):
            result(*[""] * bool(number), *plan_lines(plan))
