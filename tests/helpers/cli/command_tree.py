"""All commands, as click knows them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from m2build.cli.root import cli


def commands(group: click.Group, *way: str) -> Iterator[tuple[str, ...]]:
    """The path to every group and command."""
    yield way
    for name, command in members(group).items():
        if isinstance(command, click.Group):
            yield from commands(command, *way, name)
        else:
            yield (*way, name)


def members(group: click.Group) -> dict[str, click.Command]:
    """A group's commands by their names."""
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command}


WAYS = list(commands(cli))


def find(way: tuple[str, ...]) -> click.Command:
    command: click.Command = cli
    for name in way:
        assert isinstance(command, click.Group)
        command = members(command)[name]
    return command
