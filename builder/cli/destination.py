"""The options for the destinations and names of derived images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TypedDict

import click

from m2build.cli import candidates

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
        "-t", "--tag", "reference", metavar="NAME[:TAG]", help="What to call the image; default: m2build/MODEL:PROFILE."
    ),
    click.option("--push", is_flag=True, help="Publish the image under the name that --tag gives it in a registry."),
    click.option("--load", is_flag=True, help="Keep the image in the store of Docker or podman."),
)


class GoalArguments(TypedDict):
    """What the options say, as `Session.shipment` takes it."""

    output: str | None
    name: str | None
    push: bool
    load: bool


@dataclass(frozen=True)
class Goal:
    """What the options say.

    Attributes:
        output: a place, or None.
        name: `NAME[:TAG]`, or None.
        push: whether the images go to a registry, under that name.
        load: whether they stay with the container engine that builds them.
    """

    output: str | None
    name: str | None
    push: bool
    load: bool

    @property
    def is_explicit(self) -> bool:
        """Whether the options name a place."""
        return self.output is not None or self.push

    def arguments(self) -> GoalArguments:
        """The same, for `Session.shipment`."""
        return {"output": self.output, "name": self.name, "push": self.push, "load": self.load}


def choosing_goal(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `goal`."""

    @wraps(command)
    def with_goal(output: str | None, reference: str | None, push: bool, load: bool, **others: object) -> None:
        command(goal=Goal(output, reference, push, load), **others)

    for option in reversed(_OPTIONS):
        with_goal = option(with_goal)
    return with_goal
