"""The commands that there are, as click knows them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from m2build.cli.root import cli


def commands(group: click.Group, *way: str) -> Iterator[tuple[str, ...]]:
    """The way to every group and command."""
    yield way
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *way, name)
        else:
            yield (*way, name)


WAYS = list(commands(cli))


def find(way: tuple[str, ...]) -> click.Command:
    command: click.Command = cli
    for name in way:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command
