"""The option that takes names, labels and annotations from docker/metadata-action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps

import click

from m2build.cli.output import note
from m2build.cli.paths import PATH_TEXT
from m2build.cli.settings import Given
from m2build.delivery import Destinations, read_metadata

_OPTION = click.option(
    "--metadata-from",
    "files",
    metavar="FILE",
    type=PATH_TEXT,
    multiple=True,
    help="Take names, labels and annotations from a bake file of docker/metadata-action; --label and --annotation "
    "take precedence. Repeatable.",
)


def described(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option to a command below `choosing_goal` and `setting`: their arguments `to` and `given` get it all."""

    @wraps(command)
    def with_files(files: Sequence[str], to: Destinations, given: Given, **others: object) -> None:
        found = read_metadata(*files)
        if found.left_out:
            note(f"the image does not get these of {', '.join(files)}: {', '.join(found.left_out)}")
        labels, annotations = {**found.labels, **given["labels"]}, {**found.annotations, **given["annotations"]}
        more = Given(env=given["env"], labels=labels, annotations=annotations)
        names = tuple(dict.fromkeys((*to.names, *found.names)))
        command(to=replace(to, names=names), given=more, **others)

    return _OPTION(with_files)
