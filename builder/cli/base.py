"""`m2build base`: the bases that others publish: whether their tags have moved, and copies of them."""

from __future__ import annotations

from pathlib import Path

import click

import m2build
from m2build import locking
from m2build.cli import candidates
from m2build.cli.groups import Group
from m2build.cli.locks import lock_option, lock_path, read_lock
from m2build.cli.output import json_option, note, print_json, result, schema_option
from m2build.cli.outputs import check_file
from m2build.cli.paths import PATH
from m2build.cli.progress import progress_option
from m2build.cli.publishing import publishing
from m2build.cli.sessions import insecure_option, session
from m2build.delivery import Publishing
from m2build.errors import UsageError


def _check_schema() -> str:
    from m2build.printed import BaseCheck, schema_text

    return schema_text("base check", BaseCheck)


def _mirror_schema() -> str:
    from m2build.printed import Mirrored, schema_text

    return schema_text("base mirror", Mirrored)


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  m2build base check
  m2build base mirror lmsysorg/sglang:v0.5.7-rocm700-mi30x registry.example/sglang --lock m2build.lock --yes
""",
)
def base() -> None:
    """See whether the base of a lock has moved, and keep a copy of it in a registry of your own."""


@base.command(
    epilog="""\b
Examples:
  # In a scheduled job: exit code 14 if the tag has moved or is gone.
  m2build base check
  m2build base check recipes/mine.yaml --json
"""
)
@click.argument("recipe_name", metavar="[RECIPE]", default="minimax-m2", shell_complete=candidates.recipes)
@lock_option
@insecure_option
@json_option
@schema_option(_check_schema, "--json")
@progress_option
def check(recipe_name: str, path: Path | None, insecure: bool, as_json: bool, progress_mode: str) -> None:
    """Check whether the tag behind the lock has moved.

    The registry is asked for the tag, for the locked digest, and for the mirror if the lock names one; nothing is
    fetched. The exit code is 14 if the tag names another digest, or does not exist any more.
    """
    recipe, place = m2build.load_recipe(recipe_name), path or lock_path(recipe_name)
    lock = read_lock(place)
    if lock.recipe != recipe.name:
        raise UsageError(
            f"{place} is the lock of the recipe {lock.recipe}, not of {recipe.name}",
            hint=f"check the recipe {lock.recipe}, or name another lock with --lock",
        )
    with session(progress_mode, insecure=insecure) as opened:
        found = opened.check_base(lock)
    if as_json:
        print_json(found.document())
    else:
        result(f"{found.standing:<7} {found.image}")
        result(f"locked  {found.locked}" + ", which is gone, too" * (not found.is_kept))
        if found.found and found.found != found.locked:
            result(f"now     {found.found}")
        if found.mirror:
            result(f"mirror  {found.mirror}" + ", which lacks it" * (not found.is_mirrored))
    found.checked()


@base.command(
    epilog="""\b
Examples:
  # The lock's base, and the lock names the copy from then on.
  m2build base mirror lmsysorg/sglang:v0.5.7-rocm700-mi30x registry.example/sglang --lock m2build.lock --yes
  # Any image, at most 30 GB.
  m2build base mirror lmsysorg/sglang:v0.5.7-rocm700-mi30x localhost:5000/sglang:rocm --max-transfer 30GB
  # Of an index for several platforms, one image.
  m2build base mirror library/python:3.12 localhost:5000/python --platform linux/amd64 --yes
"""
)
@click.argument("ref", metavar="REF")
@click.argument("to", metavar="NAME[:TAG]")
@click.option(
    "--lock",
    "path",
    metavar="FILE",
    type=PATH,
    help="The lock of this base: it says which digest the tag meant, and names the copy afterwards.",
)
@click.option(
    "--platform",
    metavar="OS/ARCH",
    help="Copy only the image for this platform; default: all that REF names.",
    shell_complete=candidates.platforms,
)
@insecure_option
@publishing
@json_option
@schema_option(_mirror_schema, "--json")
@progress_option
def mirror(
    ref: str,
    to: str,
    path: Path | None,
    platform: str | None,
    insecure: bool,
    allowed: Publishing,
    as_json: bool,
    progress_mode: str,
) -> None:
    """Copy a base by digest into a registry of your own.

    Prints the copy's name with its digest. Manifests, configs and layers stay the same bytes, and the digest with them.
    Layers that are there already are not sent again: after an interruption, run it once more. An index for several
    platforms is copied with all its images and attestations; with --platform, one image of it is copied.

    With --lock, the lock names the copy. `image`, `lock`, `render` and `verify` then read it once the base's own name
    does not exist any more.
    """
    lock = read_lock(path) if path else None
    if path:
        check_file(path)
    with session(progress_mode, insecure=insecure, platform=platform, allowed=allowed) as opened:
        found = opened.mirror(ref, to, lock=lock)
    if lock and path:
        locking.write_lock(lock.with_mirror(found.name), path, update=True)
        note(f"{path} names the mirror {found.name}")
    for sentence in filter(None, (found.moved, found.left_out)):
        note(sentence)
    if as_json:
        print_json(found.document())
    else:
        result(found.reference)
