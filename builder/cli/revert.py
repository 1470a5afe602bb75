"""`m2build revert`: the base that an image stands on."""

from __future__ import annotations

import click

from m2build.cli import candidates
from m2build.cli.choosing import image_platform_option
from m2build.cli.groups import Command
from m2build.cli.output import json_option, note, print_json, result, schema_option
from m2build.cli.progress import progress_option
from m2build.cli.publishing import publishing
from m2build.cli.sessions import insecure_option, session
from m2build.delivery import Publishing


def _schema() -> str:
    from m2build.printed import Reverted, schema_text

    return schema_text("revert", Reverted)


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # What to run instead: the stock image, by digest.
  docker pull "$(m2build revert localhost:5000/minimax-m2:tp8)"
  # Let a tag name it again.
  m2build revert localhost:5000/minimax-m2:tp8 -t localhost:5000/serving:stable
""",
)
@click.argument("image", metavar="IMAGE", shell_complete=candidates.places(*candidates.IMAGES))
@click.option(
    "--base",
    metavar="PLACE",
    help="Where the base is; default: where the image's labels say, which is then proven.",
    shell_complete=candidates.places(*candidates.IMAGES, *candidates.SOURCES),
)
@click.option("-t", "--tag", metavar="NAME[:TAG]", help="Publish the base under this name, too.")
@image_platform_option
@insecure_option
@publishing
@json_option
@schema_option(_schema, "--json")
@progress_option
def revert(
    image: str,
    base: str | None,
    tag: str | None,
    platform: str,
    insecure: bool,
    allowed: Publishing,
    as_json: bool,
    progress_mode: str,
) -> None:
    """Prove that an image is its base with layers on top, and print the base's name with its digest.

    The base's layers and its history have to be the beginning of the image's. In registries, manifests and configs
    prove that, and no layer is read. If anything differs, the exit code is 5. With -t, the base is published under that
    name, with the same digest if it is in a registry: an index is copied whole. The tag moves last.
    """
    with session(progress_mode, insecure=insecure, platform=platform, allowed=allowed) as opened:
        found = opened.revert(image, base=base, name=tag)
    if as_json:
        print_json(found.document())
    else:
        result(*filter(None, (found.reference, found.tagged)))
    if found.moved:
        note(found.moved)
