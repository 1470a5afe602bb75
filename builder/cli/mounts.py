"""`m2build mounts`: the changed files, and the lines that lay them over the stock image."""

from __future__ import annotations

from pathlib import Path

import click

import m2build
from m2build.cli.choosing import choosing
from m2build.cli.groups import Command
from m2build.cli.output import result
from m2build.cli.outputs import check_folder
from m2build.cli.paths import PATH
from m2build.cli.progress import progress_option
from m2build.cli.rendered_base import RenderedBase, choosing_base
from m2build.errors import UsageError
from m2build.oci.reference import parse_reference

_FORMS = ("volumes", "compose", "configmap", "image-volume")


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # The options for docker run and podman run, one a line.
  m2build mounts --tp 8 -o ./mounts
  mapfile -t mounts < ./mounts/volumes.txt
  docker run "${mounts[@]}" lmsysorg/sglang:v0.5.7-rocm700-mi30x python3 -m sglang.launch_server --help
  # An image as a volume, for Kubernetes 1.33 and Docker 28; push it from ./mounts/image.
  m2build mounts --tp 8 --form image-volume -t registry.example/team/mounts:v1 -o ./mounts
""",
)
@choosing
@choosing_base
@click.option(
    "--form",
    type=click.Choice(_FORMS),
    default="volumes",
    show_default=True,
    help="How the files are laid over it.",
)
@click.option("-t", "--tag", metavar="NAME[:TAG]", help="What the image of an image volume will be published as.")
@click.option("-o", "--output", required=True, type=PATH, help="The new folder to write.")
@progress_option
def mounts(
    recipe_name: str,
    tp: int | None,
    profile: str | None,
    model: str | None,
    overrides: tuple[str, ...],
    base: RenderedBase,
    form: str,
    tag: str | None,
    output: Path,
    progress_mode: str,
) -> None:
    """Write the files that an image would change, and what lays them over the stock image when it is run.

    The container then has the same sources as the derived image; its entrypoint and labels stay the base's. What a
    form cannot do, such as hiding a file, is refused with the reason. With --source, the image is not
    read: check it with account/before.sha256 before you use it.
    """
    from m2build import mounts as room

    if (tag is not None) != (form == "image-volume"):
        raise UsageError("--form image-volume and -t NAME belong together", hint="give both, or neither")
    if tag is not None:
        parse_reference(tag)  # a wrong name is refused before the base is read
    check_folder(output, "account")
    recipe = m2build.load_recipe(recipe_name, overrides)
    selection = recipe.select(tp=tp, profile=profile, model=model)
    with base.session(progress_mode) as session:
        plan = session.plan(selection, base.find(session, recipe))
        roots = [source.root for source in plan.sources] if tag is not None else []
        trees = [session.sources(plan.base, source_root=f"/{root}") for root in roots]
    files = room.render_mounts(plan, form, output, trees=trees, reference=tag)
    m2build.patches.write_tree(files, output)
    result(str(output))
