"""`m2build lock`: the digests that images rest on, in a file that people review and commit."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

import m2build
from m2build import locking
from m2build.cli import candidates
from m2build.cli.choosing import base_version_option, choosing_many, chosen_all, platform_option
from m2build.cli.groups import Command
from m2build.cli.locks import lock_option, lock_path, locked_option, read_lock
from m2build.cli.output import note, result
from m2build.cli.outputs import check_file
from m2build.cli.progress import progress_option
from m2build.cli.sessions import insecure_option, session
from m2build.errors import UsageError
from m2build.local.targets import is_there


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # Read the base once, and note what the images rest on.
  m2build lock --tp 4 --tp 8
  # For a recipe of your own: recipes/m2build.lock.
  m2build lock --recipe recipes/mine.yaml --tp 8
  # After the base or a patch has changed.
  m2build lock --tp 4 --tp 8 --update
  # In CI: read the base again, and fail if anything differs.
  m2build lock --tp 4 --tp 8 --locked
  m2build lock --schema > lock.schema.json
""",
)
@choosing_many
@base_version_option
@click.option(
    "--base",
    metavar="PLACE",
    help="Where the base is, as for `m2build image`; default: the recipe's base image.",
    shell_complete=candidates.places(*candidates.IMAGES, *candidates.SOURCES),
)
@lock_option
@locked_option
@click.option("--update", is_flag=True, help="Replace the file if it exists.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of locks, and do nothing else.")
@platform_option
@insecure_option
@progress_option
def lock(
    recipe_name: str,
    tps: tuple[int, ...],
    profiles: tuple[str, ...],
    models: tuple[str, ...],
    overrides: tuple[str, ...],
    base_version: str | None,
    base: str | None,
    path: Path | None,
    locked: bool,
    update: bool,
    schema: bool,
    platform: str | None,
    insecure: bool,
    progress_mode: str,
) -> None:
    """Write m2build.lock: the digests that images rest on.

    The lock holds the base's digests, each changed file before and after with its layer, each patch with its diff, and
    the digests of the images. `m2build image` reads it, and then needs no layer of the base. Without --update it never
    overwrites a file. With --locked it writes nothing and compares: exit code 3 if the base is another one, 4 if
    anything else differs.

    Prints the file's path.
    """
    if schema:
        result(*m2build.Lock.schema_text().splitlines())
        return
    if update and locked:
        raise UsageError("--update writes the lock, and --locked only compares", hint="leave out one of them")
    recipe = m2build.load_recipe(recipe_name, overrides, base_version)
    selections = chosen_all(recipe, tps=tps, profiles=profiles, models=models)
    place = path or lock_path(recipe_name)
    known = read_lock(place) if locked else _replaced(place) if update else None
    if not locked and not update and is_there(place):
        raise UsageError(f"{place} exists already", hint="--update replaces it, --locked compares with it")
    if not locked:
        check_file(place)
    with session(progress_mode, insecure=insecure, platform=platform) as opened:
        found = opened.lock(selections, base, known=known)
    if locked and known:
        known.check(found)
    else:
        _note_mirror(known, found)
        locking.write_lock(found, place, update=update)
    result(str(place))


def _replaced(place: Path) -> m2build.Lock | None:
    """The lock that is replaced; None if there is none, or if it cannot be read, as after a merge with conflicts."""
    with suppress(UsageError):
        return read_lock(place)
    return None


def _note_mirror(known: m2build.Lock | None, found: m2build.Lock) -> None:
    if known and known.base.mirror and not found.base.mirror:
        note(f"{known.base.mirror} is a copy of the former base; `m2build base mirror` copies the new one")
