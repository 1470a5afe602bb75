"""The options that say where derived images go, and under which names."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import click

from m2build.cli import candidates

_OPTIONS = (
    click.option(
        "-o",
        "--output",
        metavar="PLACE",
        help="Where to: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, docker://REGISTRY/NAME:TAG, "
        "docker-daemon:NAME:TAG or containers-storage:NAME:TAG.",
        shell_complete=candidates.places(*candidates.IMAGES),
    ),
    click.option(
        "-t", "--tag", "reference", metavar="NAME[:TAG]", help="What to call the image; default: m2build/MODEL:PROFILE."
    ),
    click.option("--push", is_flag=True, help="Publish the image under the name that --tag gives it in a registry."),
    click.option("--load", is_flag=True, help="Leave the image in the store of Docker or podman."),
)


def choosing_goal(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `goal`."""

    @wraps(command)
    def with_goal(output: str | None, reference: str | None, push: bool, load: bool, **others: object) -> None:
        from m2build.delivery.destination import parse_goal

        command(goal=parse_goal(output, reference, push=push, load=load), **others)

    for option in reversed(_OPTIONS):
        with_goal = option(with_goal)
    return with_goal
