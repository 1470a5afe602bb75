"""`m2build diff`: how two images differ."""

from __future__ import annotations

import click

from m2build.cli import candidates
from m2build.cli.choosing import image_platform_option
from m2build.cli.groups import Command
from m2build.cli.output import json_option, print_json, result, result_diff, schema_option
from m2build.cli.progress import progress_option
from m2build.cli.sessions import insecure_option, session


def _schema() -> str:
    from m2build.printed import Difference, schema_text

    return schema_text("diff", Difference)


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  m2build diff localhost:5000/minimax-m2:tp4 localhost:5000/minimax-m2:tp8
  m2build diff oci:./before:tp8 oci:./after:tp8 --json | jq -r '.paths[].path'
""",
)
@click.argument("image_a", metavar="IMAGE_A", shell_complete=candidates.places(*candidates.IMAGES))
@click.argument("image_b", metavar="IMAGE_B", shell_complete=candidates.places(*candidates.IMAGES))
@image_platform_option
@insecure_option
@json_option
@schema_option(_schema, "--json")
@progress_option
def diff(image_a: str, image_b: str, platform: str, insecure: bool, as_json: bool, progress_mode: str) -> None:
    """Show which files and which config fields differ, as one unified diff.

    The layers that both images have, from the lowest up, are not read: of a path that only one image has in the layers
    above, the diff says so. What is not text stands in lines that begin with #.
    """
    with session(progress_mode, insecure=insecure, platform=platform) as opened:
        found = opened.diff(image_a, image_b)
    if as_json:
        print_json(found.document())
        return
    result(f"# common layers, not read: {found.common}", *(f"# {line}" for line in found.notes()))
    result_diff(found.diff())
