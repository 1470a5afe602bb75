"""The options that name a lock, and the lock that they name."""

from __future__ import annotations

from pathlib import Path

import click

import m2build
from m2build import locking
from m2build.cli.output import note
from m2build.cli.paths import PATH
from m2build.errors import UsageError
from m2build.local.targets import is_there

_NAME = "m2build.lock"

lock_option = click.option(
    "--lock",
    "path",
    metavar="FILE",
    type=PATH,
    help="The lock; default: m2build.lock beside your recipe, or for a shipped one in the working directory.",
)
locked_option = click.option(
    "--locked", is_flag=True, help="Refuse any difference from the lock: exit code 3 for the base, 4 for the rest."
)
no_lock_option = click.option(
    "--no-lock", "unlocked", is_flag=True, help="Ignore the lock, and read the base's layers."
)


def lock_path(recipe: str) -> Path:
    """Where the lock of a recipe is: beside one that is given by its path, else in the working directory.

    Args:
        recipe: a name or a path, as for `load_recipe`.

    Example:
        >>> str(lock_path("recipes/mine.yaml")), str(lock_path("minimax-m2"))
        ('recipes/m2build.lock', 'm2build.lock')
    """
    return Path(_NAME) if recipe in m2build.recipe_names() else Path(recipe).parent / _NAME


def read_lock(path: Path) -> m2build.Lock:
    """The lock in a file.

    Raises:
        UsageError: there is none, or it is not a lock.
    """
    if not is_there(path):
        raise UsageError(f"there is no lock {path}", hint="`m2build lock` writes one")
    return locking.load_lock(path)


def lock_for(
    recipe: m2build.Recipe, name: str, path: Path | None, *, locked: bool, unlocked: bool
) -> m2build.Lock | None:
    """The lock that `m2build image` uses; None if there is none, or if it is not to be used.

    Args:
        recipe: the recipe.
        name: what it was loaded as.
        path: the file that --lock names.
        locked: whether --locked is given.
        unlocked: whether --no-lock is given.

    Raises:
        UsageError: the options contradict each other, a lock that has to be there is missing, or a file is not a lock.
    """
    if unlocked:
        if path is not None or locked:
            raise UsageError("--no-lock contradicts --lock and --locked", hint="leave out one of them")
        return None
    place = path or lock_path(name)
    if path is None and not locked and not is_there(place):
        return None
    lock = read_lock(place)
    if path is None and not locked and lock.recipe != recipe.name:
        note(f"{place} is the lock of the recipe {lock.recipe}, and is not used for {recipe.name}")
        return None
    return lock
