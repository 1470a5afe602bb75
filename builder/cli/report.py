"""`m2build report`: one page that shows what images are and what runs measured."""

from __future__ import annotations

import click

from m2build.cli import candidates
from m2build.cli.choosing import platform_option
from m2build.cli.groups import Command
from m2build.cli.output import result
from m2build.cli.outputs import check_file
from m2build.cli.paths import PATH_TEXT
from m2build.cli.progress import progress_option
from m2build.cli.sessions import insecure_option, session
from m2build.errors import UsageError
from m2build.local.targets import is_stdout, output_path


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  m2build report localhost:5000/minimax-m2:tp8 -o report.html
  # A trial image, and two sets of results of m2build bench.
  m2build report oci:./minimax-m2-tp8 ./before ./after --base pypi:sglang==0.5.7 -o report.html
  # Results alone.
  m2build report ./runs -o runs.html --replace
""",
)
@click.argument(
    "subjects", metavar="IMAGE|RUNS...", nargs=-1, required=True, shell_complete=candidates.places(*candidates.IMAGES)
)
@click.option("-o", "--output", metavar="FILE", type=PATH_TEXT, required=True, help="The page to write; - is stdout.")
@click.option("--replace", is_flag=True, help="Replace an existing file.")
@click.option(
    "--recipe",
    "recipe_name",
    metavar="NAME|FILE",
    shell_complete=candidates.recipes,
    help="The recipe of the images; default: the shipped one that each names.",
)
@click.option(
    "--base",
    metavar="PLACE",
    help="The base of the images, as for `m2build verify`; default: the recipe's base image.",
    shell_complete=candidates.places(*candidates.IMAGES, *candidates.SOURCES),
)
@click.option(
    "--verify/--no-verify", default=True, show_default=True, help="Prove the images; it reads the whole base anew."
)
@platform_option
@insecure_option
@progress_option
def report(
    subjects: tuple[str, ...],
    output: str,
    replace: bool,
    recipe_name: str | None,
    base: str | None,
    verify: bool,
    platform: str | None,
    insecure: bool,
    progress_mode: str,
) -> None:
    """Write one HTML page that shows what images are, and what runs of the benchmark measured.

    Of an image: base, patches side by side, every changed byte, the entrypoint flag by flag, what `m2build verify`
    says, and commands that check it without m2build. Of results: tables and plots beside the document's figures. The
    page loads nothing and runs nothing, and can be read on a phone, in print and with a screen reader. A file, a folder
    that is not a layout, and `document` are results; everything else is an image.
    """
    from m2build import report as library

    path = output_path(output)
    if not replace and not is_stdout(path) and path.is_file():
        raise UsageError(f"{path} exists already", hint="name another file, or add --replace")
    check_file(path)
    runs = [library.runs_at(word) for word in subjects if library.is_run(word)]
    images = [word for word in subjects if not library.is_run(word)]
    with session(progress_mode, insecure=insecure, platform=platform) as opened:
        found = [library.image_facts(opened, image, recipe_name, base=base, verify=verify) for image in images]
    library.write_page(path, library.render_page(found, runs), replace=replace)
    if not is_stdout(path):
        result(str(path))
