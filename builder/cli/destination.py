"""The options for the destinations and names of derived images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps

import click

from m2build.cli import candidates
from m2build.delivery import Destinations

_OPTIONS = (
    click.option(
        "-o",
        "--output",
        metavar="PLACE",
        help="The destination: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, docker://REGISTRY/NAME:TAG, "
        "docker-daemon:NAME:TAG or containers-storage:NAME:TAG.",
        shell_complete=candidates.places(*candidates.IMAGES),
    ),
    click.option(
        "-t",
        "--tag",
        "names",
        metavar="NAME[:TAG]",
        multiple=True,
        help="What to call the image; default: m2build/MODEL:PROFILE. {base_tag}, {model}, {profile} and {series} "
        "stand for what each image has. Repeatable, also for several registries.",
    ),
    click.option("--push", is_flag=True, help="Publish the image under the names that --tag gives it in registries."),
    click.option("--load", is_flag=True, help="Keep the image in the store of Docker or podman."),
    click.option(
        "--replace",
        is_flag=True,
        help="Overwrite an archive, or move the tag of a layout. For tags in registries, use --tag-policy.",
    ),
)


def choosing_goal(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `to`."""

    @wraps(command)
    def with_goal(
        output: str | None, names: Sequence[str], push: bool, load: bool, replace: bool, **others: object
    ) -> None:
        to = Destinations(output, names, push=push, load=load, replace=replace)
        command(to=to, **others)

    for option in reversed(_OPTIONS):
        with_goal = option(with_goal)
    return with_goal
