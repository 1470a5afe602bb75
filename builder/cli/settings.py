"""The options that set variables, labels and annotations of images, spelled as docker and buildx spell them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TypedDict

import click

from m2build.delivery import check_level, split_levels
from m2build.errors import UsageError

_OPTIONS = (
    click.option(
        "--env",
        metavar="NAME[=VALUE]",
        multiple=True,
        help="Set a variable in the image; without a value, the one it has here. No credentials. Repeatable.",
    ),
    click.option("--label", "labels", metavar="KEY=VALUE", multiple=True, help="Set a label. Repeatable."),
    click.option(
        "--annotation",
        "annotations",
        metavar="[manifest:]KEY=VALUE",
        multiple=True,
        help="Set an annotation of the image's manifest. Repeatable.",
    ),
)


class Given(TypedDict):
    """What the options say, as arguments of `Recipe.select`."""

    env: Mapping[str, str]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def setting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `given`."""

    @wraps(command)
    def with_settings(env: Sequence[str], labels: Sequence[str], annotations: Sequence[str], **others: object) -> None:
        given = Given(
            env=dict(map(_variable, env)),
            labels=dict(map(_label, labels)),
            annotations=dict(map(_annotation, annotations)),
        )
        command(given=given, **others)

    for option in reversed(_OPTIONS):
        with_settings = option(with_settings)
    return with_settings


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals and name not in os.environ:
        problem = f"--env {name!r} has no value, and there is no such variable here"
        raise UsageError(problem, hint=f"give it one, as in --env {name}=VALUE, or leave it out")
    return name, value if equals else os.environ[name]


def _label(text: str) -> tuple[str, str]:
    """A label; one without a value is empty, as with `docker build`."""
    key, _, value = text.partition("=")
    return key, value


def _annotation(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    levels, name = split_levels(key)
    for level in levels:
        check_level(key, level)
    if not equals:
        raise UsageError(f"--annotation {key!r} has no value", hint="as in --annotation com.example.team=serving")
    return name, value
