"""`m2build image`: the main command, from recipe and base to derived images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

import m2build
from m2build.cli import candidates
from m2build.cli.attesting import Attesting, attesting
from m2build.cli.choosing import base_version_option, choosing_many, chosen_all, platform_option
from m2build.cli.described import described
from m2build.cli.destination import choosing_goal
from m2build.cli.groups import Command
from m2build.cli.locks import lock_for, lock_option, locked_option, no_lock_option
from m2build.cli.output import note, print_json, result
from m2build.cli.progress import progress_option
from m2build.cli.publishing import publishing
from m2build.cli.reporting import Report, reporting
from m2build.cli.sessions import insecure_option, session
from m2build.cli.settings import Given, setting
from m2build.delivery import Destinations, Publishing

if TYPE_CHECKING:
    from m2build.delivery import Forecast, Shipment

engine_option = click.option(
    "--engine",
    type=click.Choice(["embedded", "docker", "podman"]),
    help="The engine that builds; default: chosen by the destination, as described above.",
)


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
  # Both profiles, within one registry: only new blobs are sent.
  m2build image --tp 4 --tp 8 --base localhost:5000/sglang -t localhost:5000/minimax-m2 --push
  # In two registries; a tag that names another image stays.
  m2build image --tp 8 -t localhost:5000/m2:{base_tag}-{profile} -t localhost:5001/m2:tp8 --push --tag-policy refuse
  # A remote BuildKit builds.
  m2build image --tp 8 --builder fleet -t registry.example/minimax-m2:tp8 --push
  # In CI, from a committed lock: no layer of the base is read, and nothing may differ.
  m2build image --tp 8 --locked -t registry.example/minimax-m2:tp8 --push
  # Sign the image and the statements on it; the key's password is in COSIGN_PASSWORD.
  m2build image --tp 8 -t registry.example/minimax-m2:tp8 --push --sign cosign:cosign.key
  # Print the plan, and build nothing.
  m2build image --tp 8 --base oci:./sglang --dry-run
""",
)
@choosing_many
@base_version_option
@setting
@click.option(
    "--base",
    metavar="PLACE",
    help="The base: a name in a registry, oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, an image in Docker's "
    "or podman's store (docker-daemon:NAME, containers-storage:NAME), or a stand-in made of sources: "
    "pypi:NAME==VERSION, wheel:FILE, dir:PATH. Default: the recipe's base image.",
    shell_complete=candidates.places(*candidates.IMAGES, *candidates.SOURCES),
)
@choosing_goal
@described
@engine_option
@click.option("--builder", metavar="NAME", help="Build with this builder of `docker buildx`, local or remote.")
@lock_option
@locked_option
@no_lock_option
@platform_option
@insecure_option
@publishing
@attesting
@reporting
@click.option("--dry-run", is_flag=True, help="Print the plan, the destination and what would be sent; write nothing.")
@progress_option
def image(
    recipe_name: str,
    tps: tuple[int, ...],
    profiles: tuple[str, ...],
    models: tuple[str, ...],
    overrides: tuple[str, ...],
    base_version: str | None,
    given: Given,
    base: str | None,
    to: Destinations,
    engine: str | None,
    builder: str | None,
    path: Path | None,
    locked: bool,
    unlocked: bool,
    platform: str | None,
    insecure: bool,
    allowed: Publishing,
    evidence: Attesting,
    report: Report,
    dry_run: bool,
    progress_mode: str,
) -> None:
    """Derive images: the base, the recipe's patches, and an entrypoint that starts the profile.

    With an explicit destination (-o, --push), m2build's own embedded engine builds, without any daemon. Without one,
    Docker builds and keeps the image if it is running, else podman. Without either, m2build writes a thin layout into
    the working directory: the new blobs, and a manifest that names the base's layers; `m2build push` completes it.
    --engine, --builder and --load decide explicitly.

    Prints one line for each image on stdout, and nothing else: NAME@DIGEST, or for a layout or an archive its place,
    oci:DIR:TAG@DIGEST. The embedded engine gives the same digest on every machine, every engine the same content. Set
    SOURCE_DATE_EPOCH to choose the image's time; the default is the base's.

    If there is a lock, from `m2build lock`, the base is taken by its digest, and its layers are not read.

    The destination is checked first, before the base is read.
    """
    recipe = m2build.load_recipe(recipe_name, overrides, base_version)
    selections = chosen_all(recipe, tps=tps, profiles=profiles, models=models, given=given)
    lock = lock_for(recipe, recipe_name, path, locked=locked, unlocked=unlocked)
    with session(progress_mode, insecure=insecure, platform=platform, allowed=allowed) as opened:
        shipment = opened.shipment(selections, base, to=to, engine=engine, builder=builder, lock=lock, locked=locked)
        report.check(shipment)
        evidence.check(opened, shipment)
        if dry_run:
            print_forecasts(shipment.foresee(), as_json=report.as_json)
            return
        report.report_all(shipment, evidence.attester(opened, shipment))
    report_layout(shipment, to)


def report_layout(shipment: Shipment, asked: Destinations) -> None:
    """Report the layout that is written if no destination was asked for, whatever --progress says."""
    if not shipment.engine.copies or asked.is_explicit:
        return
    to = shipment.jobs[0].to
    if shipment.is_thin:
        what = "the thin layout"
        then = f"; `m2build push {to.stored} REGISTRY/NAME:{to.tag}` completes and publishes it"
    else:
        what, then = "the layout", ""
    note(f"wrote {what} {to.place.location}, as no container engine was used{then}")


def print_forecasts(forecasts: Sequence[Forecast], *, as_json: bool) -> None:
    """Print what a build would do, for each image."""
    from m2build.cli.plan_text import forecast_document, forecast_lines

    if as_json:
        documents = [forecast_document(forecast) for forecast in forecasts]
        print_json(documents[0] if len(documents) == 1 else documents)
    else:
        for number, forecast in enumerate(forecasts):
            result(*[""] * bool(number), *forecast_lines(forecast))
