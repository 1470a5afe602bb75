"""The options that choose a recipe, a profile and a model; `image` and `recipe show` share them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from m2build.errors import UsageError

if TYPE_CHECKING:
    from m2build.recipes.model import Recipe, Selection

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--recipe",
        "recipe_name",
        metavar="NAME|FILE",
        default="minimax-m2",
        show_default=True,
        help="A shipped recipe, or your own as a YAML file.",
    ),
    click.option(
        "--tp", type=click.IntRange(min=1), metavar="N", help="Tensor parallel size; --tp 8 is --profile tp8."
    ),
    click.option("--profile", metavar="ID", help="The profile, by its id."),
    click.option("--model", metavar="ID", help="The model, by its id; default: the recipe's default_model."),
    click.option(
        "--set",
        "overrides",
        metavar="KEY=VALUE",
        multiple=True,
        help="Override a value of the recipe, as in profiles.tp8.flags.port=9000. Repeatable.",
    ),
)


def _checked_platform(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?", value):
        raise UsageError(f"--platform {value} is not OS/ARCH", hint="as in --platform linux/amd64")
    return value


platform_option = click.option(
    "--platform",
    metavar="OS/ARCH",
    callback=_checked_platform,
    help="Which image of a base that has several; default: the recipe's.",
)


def choosing(command: Command) -> Command:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def chosen(recipe: Recipe, *, tp: int | None, profile: str | None, model: str | None) -> Selection:
    """The selection that the options make.

    Raises:
        UsageError: neither or both of --tp and --profile are given, or a profile or model does not exist.
    """
    from m2build.recipes.model import select

    if (tp is None) == (profile is None):
        problem = "say which profile to use" if tp is None else "--tp and --profile exclude each other"
        raise UsageError(
            problem, hint=f"the recipe {recipe.name} has: {', '.join(recipe.profiles)} (--tp 8 is --profile tp8)"
        )
    return select(recipe, profile=profile or f"tp{tp}", model=model)
