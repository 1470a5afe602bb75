"""`m2build rebase`: an image derived anew on another base."""

from __future__ import annotations

import click

from m2build.cli import candidates
from m2build.cli.choosing import choosing_claimed, claimed, platform_option
from m2build.cli.destination import choosing_goal
from m2build.cli.groups import Command
from m2build.cli.image import engine_option, print_forecasts, report_layout
from m2build.cli.progress import progress_option
from m2build.cli.publishing import publishing
from m2build.cli.reporting import Report, reporting
from m2build.cli.sessions import insecure_option, session
from m2build.cli.settings import Given, setting
from m2build.delivery import Destinations, Publishing


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # Within one registry: the tag moves to the image on the new base.
  m2build rebase localhost:5000/m2:tp8 --base localhost:5000/sglang:v0.5.9 -t localhost:5000/m2:tp8 --push
  # What would happen: the plan, and what would be sent.
  m2build rebase localhost:5000/m2:tp8 --base localhost:5000/sglang:v0.5.9 --dry-run
  # The image of a recipe of your own, into a layout.
  m2build rebase oci:./out:tp8 --recipe ./mine.yaml --old-base oci:./sglang --base oci:./newer -o oci:./moved
""",
)
@click.argument("image", metavar="IMAGE", shell_complete=candidates.places(*candidates.IMAGES))
@click.option(
    "--base",
    metavar="PLACE",
    required=True,
    help="The new base, as for `m2build image`.",
    shell_complete=candidates.places(*candidates.IMAGES, *candidates.SOURCES),
)
@click.option(
    "--old-base",
    metavar="PLACE",
    help="Where the image's own base is; default: where its labels say, by digest.",
    shell_complete=candidates.places(*candidates.IMAGES, *candidates.SOURCES),
)
@choosing_claimed
@setting
@choosing_goal
@engine_option
@platform_option
@insecure_option
@publishing
@reporting
@click.option("--dry-run", is_flag=True, help="Print the plan, the destination and what would be sent; write nothing.")
@progress_option
def rebase(
    image: str,
    base: str,
    old_base: str | None,
    recipe_name: str | None,
    tp: int | None,
    profile: str | None,
    model: str | None,
    overrides: tuple[str, ...],
    given: Given,
    to: Destinations,
    engine: str | None,
    platform: str | None,
    insecure: bool,
    allowed: Publishing,
    report: Report,
    dry_run: bool,
    progress_mode: str,
) -> None:
    """Derive an image anew on another base, if every patch applies there.

    The destination is checked first. Then the image is verified against its own base. If recipe and base do not explain
    all of it, the rest would be lost, so the exit code is 5. Then the recipe's patches are applied to the new base. The
    result is what `m2build image` derives from that base, byte for byte: its overlay replaces the old one, none is put
    on top. If a patch does not apply, the exit code is 4, the message names it, and nothing is written.

    The image names its recipe, its profile and its model. Repeat --set, --env, --label and --annotation as they were
    given to `m2build image`, and --recipe for a recipe of your own. Prints what `m2build image` prints.
    """
    wanted = claimed(recipe_name, overrides, tp=tp, profile=profile, model=model, given=given)
    with session(progress_mode, insecure=insecure, platform=platform, allowed=allowed) as opened:
        shipment = opened.rebase(image, base, wanted, old_base=old_base, to=to, engine=engine)
        report.check(shipment)
        if dry_run:
            print_forecasts(shipment.foresee(), as_json=report.as_json)
            return
        report.report_all(shipment)
    report_layout(shipment, to)
