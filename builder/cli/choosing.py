"""The options that choose a recipe, profiles and models, which several commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeVar

import click

from m2build.cli import candidates
from m2build.cli.numbers import COUNT
from m2build.cli.settings import Given
from m2build.errors import UsageError

if TYPE_CHECKING:
    from m2build.recipes.model import Recipe, Selection

Command = TypeVar("Command", bound=Callable[..., Any])

_DEFAULT = "minimax-m2"
_RECIPE = click.option(
    "--recipe",
    "recipe_name",
    metavar="NAME|FILE",
    shell_complete=candidates.recipes,
    default=_DEFAULT,
    show_default=True,
    help="A shipped recipe, or your own as a YAML file.",
)
_OVERRIDES = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    shell_complete=candidates.overrides,
    multiple=True,
    help="Override a value of the recipe, as in profiles.tp8.flags.port=9000. Repeatable.",
)
_CHOICES: Mapping[str, Mapping[str, Any]] = {
    "tp": {
        "type": COUNT,
        "metavar": "N",
        "help": "The profile with this tensor parallel size: the value of its --tp-size.",
        "shell_complete": candidates.sizes,
    },
    "profile": {"metavar": "ID", "help": "The profile, by its id.", "shell_complete": candidates.profiles},
    "model": {
        "metavar": "ID",
        "help": "The model, by its id; default: the recipe's default_model.",
        "shell_complete": candidates.models,
    },
}


platform_option = click.option(
    "--platform",
    metavar="OS/ARCH",
    shell_complete=candidates.platforms,
    help="The platform, if the base has images for several; default: the recipe's.",
)

base_version_option = click.option(
    "--base-version",
    metavar="ID",
    shell_complete=candidates.base_versions,
    help="Another release of the base, one of the recipe's bases.",
)

image_platform_option = click.option(
    "--platform",
    metavar="OS/ARCH",
    default="linux/amd64",
    show_default=True,
    help="The platform, if there are images for several.",
    shell_complete=candidates.platforms,
)


def choosing(command: Command) -> Command:
    """Add the options that choose one image: `recipe_name`, `tp`, `profile`, `model` and `overrides`."""
    choices = [click.option(f"--{name}", **rest) for name, rest in _CHOICES.items()]
    return _added(command, choices)


def choosing_claimed(command: Command) -> Command:
    """Add the options of `choosing`, but without a default: `recipe_name` is None if none is given."""
    recipe = click.option(
        "--recipe",
        "recipe_name",
        metavar="NAME|FILE",
        shell_complete=candidates.recipes,
        help="A shipped recipe, or your own as a YAML file; default: the shipped one that the image names.",
    )
    choices = [click.option(f"--{name}", **rest) for name, rest in _CHOICES.items()]
    return _added(command, choices, recipe)


def claimed(
    recipe_name: str | None,
    overrides: Sequence[str],
    *,
    tp: int | None,
    profile: str | None,
    model: str | None,
    given: Given,
    base_version: str | None = None,
) -> Recipe | Selection | None:
    """What the options of `choosing_claimed` say that an image has to be; None if that is left to its labels."""
    import m2build

    is_selected = bool(tp or profile or model or any(given.values()))
    if not (recipe_name or overrides or base_version or is_selected):
        return None
    recipe = m2build.load_recipe(recipe_name or _DEFAULT, overrides)
    recipe = recipe.with_base(base_version) if base_version else recipe
    return recipe.select(tp=tp, profile=profile, model=model, **given) if is_selected else recipe


def choosing_many(command: Command) -> Command:
    """Add the options that choose several images: `recipe_name`, `tps`, `profiles`, `models` and `overrides`."""
    choices = [
        click.option(f"--{name}", f"{name}s", multiple=True, **{**rest, "help": f"{rest['help']} Repeatable."})
        for name, rest in _CHOICES.items()
    ]
    return _added(command, choices)


def _added(
    command: Command, choices: Sequence[Callable[[Command], Command]], recipe: Callable[[Command], Command] = _RECIPE
) -> Command:
    for option in (_OVERRIDES, *reversed(choices), recipe):
        command = option(command)
    return command


def chosen_all(
    recipe: Recipe,
    *,
    tps: Sequence[int],
    profiles: Sequence[str],
    models: Sequence[str],
    given: Given | None = None,
) -> tuple[Selection, ...]:
    """The selections that the options of `choosing_many` make: for each model each profile, in the order given.

    Args:
        recipe: the recipe.
        tps: the values of --tp.
        profiles: the values of --profile.
        models: the values of --model.
        given: what is set in all of these images, as `setting` gives it.

    Raises:
        UsageError: neither or both of --tp and --profile are given, one of the options has the same value twice, the
            recipe has no such profile or model, or several profiles of a size, or what is set does not fit.
    """
    for option, values in (("--tp", tps), ("--profile", profiles), ("--model", models)):
        _check_once(option, values)
    choices = list(zip_longest(tps, profiles)) or [(None, None)]
    more = given or Given(env={}, labels={}, annotations={})
    return tuple(
        recipe.select(tp=tp, profile=profile, model=model, **more)
        for model in models or (None,)
        for tp, profile in choices
    )


def _check_once(option: str, values: Sequence[object]) -> None:
    """Refuse a repeated value: it is probably a slip, and the image that was meant would be missing."""
    for value in values:
        if values.count(value) > 1:
            raise UsageError(f"{option} {value} is given twice", hint="remove or correct one of them")
