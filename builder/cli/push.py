"""`m2build push`: publish an image that was written to a layout or an archive, and complete it if it is thin."""

from __future__ import annotations

import click

from m2build.cli import candidates
from m2build.cli.choosing import image_platform_option
from m2build.cli.github import tell_github
from m2build.cli.groups import Command
from m2build.cli.output import note, result
from m2build.cli.progress import progress_option
from m2build.cli.publishing import publishing
from m2build.cli.sessions import insecure_option, session
from m2build.delivery import Publishing


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # The thin layout that `m2build image` writes without a container engine.
  m2build push oci:minimax-m2.1.oci:tp8 localhost:5000/minimax-m2:tp8
  # Take the base's layers from a copy of the base.
  m2build push oci:minimax-m2.1.oci:tp8 localhost:5000/minimax-m2:tp8 --base localhost:5000/sglang:v0.5.7
  # Any image.
  m2build push oci-archive:minimax-m2.tar localhost:5000/minimax-m2:tp8
""",
)
@click.argument("image", metavar="IMAGE", shell_complete=candidates.places(*candidates.IMAGES))
@click.argument("reference", metavar="NAME[:TAG]")
@click.option(
    "--base",
    metavar="PLACE",
    help="Where the base is, for the layers that the image leaves out; default: where its labels say.",
    shell_complete=candidates.places(*candidates.IMAGES),
)
@image_platform_option
@insecure_option
@publishing
@progress_option
def push(
    image: str,
    reference: str,
    base: str | None,
    platform: str,
    insecure: bool,
    allowed: Publishing,
    progress_mode: str,
) -> None:
    """Publish the image of a layout or an archive in a registry, under NAME[:TAG].

    IMAGE is a place: oci:DIR[:TAG] or ./DIR[:TAG] of a layout, oci-archive:FILE, docker-archive:FILE, docker://NAME, or
    an image in an engine's store. Layers that IMAGE leaves out, as a thin layout does, come from its base; if that is
    in the same registry, none of them is sent. Without TAG, the tag is the profile's name. The tag moves last; if it
    named another image before, stderr says which. Prints NAME@DIGEST.
    """
    with session(progress_mode, insecure=insecure, platform=platform, allowed=allowed) as opened:
        delivery = opened.push(image, reference, base=base)
    result(delivery.reference)
    tell_github([delivery], delivery.metadata(), artifacts=False)
    if delivery.moved:
        note(delivery.moved)
