"""`m2build flags`: the launch flags of a server as a reference to search, and how those of two releases differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import m2build
from m2build.cli import candidates
from m2build.cli.groups import Command
from m2build.cli.output import json_option, print_json, result, schema_option
from m2build.cli.served import Served, choosing_served
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from m2build.launch.flags.difference import FlagDifference
    from m2build.launch.flags.model import Flag
    from m2build.launch.flags.server import ServerFlags


def _schema() -> str:
    from m2build.printed import Flag, FlagDifference, schema_text

    return schema_text("flags", list[Flag] | FlagDifference)


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # All flags of the base of the recipe minimax-m2.
  m2build flags
  # One flag, and all with a word in their names.
  m2build flags tool-call-parser --source pypi:sglang==0.5.7
  m2build flags attention --source pypi:sglang==0.5.7
  # What an update of the base changes.
  m2build flags --source pypi:sglang==0.5.7 --diff pypi:sglang==0.5.9
""",
)
@click.argument("name", metavar="[NAME]", required=False)
@choosing_served
@click.option(
    "--diff",
    "other",
    metavar="PLACE",
    help="Show how the flags of the server in another place differ from these.",
    shell_complete=candidates.places(*candidates.SOURCES, *candidates.IMAGES),
)
@json_option
@schema_option(_schema, "--json")
def flags(name: str | None, served: Served, other: str | None, as_json: bool) -> None:
    """Show the launch flags of SGLang's server, as its sources define them; nothing of these is run.

    With NAME, only the flag of that name, or those whose names contain it, with their help.
    """
    if name is not None and other is not None:
        raise UsageError("NAME and --diff exclude each other", hint="--diff compares all flags")
    recipe = m2build.load_recipe("minimax-m2")
    server = m2build.server_flags(*served.read(recipe).trees)
    if other is not None:
        _print_difference(server.difference(m2build.server_flags(*served.read(recipe, other).trees)), as_json=as_json)
    elif name is None:
        _print_flags(server.flags, with_help=False, as_json=as_json)
    else:
        _print_flags(_found(name, server), with_help=True, as_json=as_json)


def _found(name: str, server: ServerFlags) -> Sequence[Flag]:
    found = server.matching(name)
    if not found:
        known = [word.removeprefix("--") for word in server.by_name]
        problem = f"{server.title} has no flag {did_you_mean(name.lstrip('-'), known)}"
        raise UsageError(problem, hint="`m2build flags` without a name lists all")
    return found


def _print_flags(found: Sequence[Flag], *, with_help: bool, as_json: bool) -> None:
    if as_json:
        print_json([flag.document() for flag in found])
        return
    for flag in found:
        result(flag.description)
        if with_help and flag.help:
            result(f"    {' '.join(flag.help.split())}")


def _print_difference(difference: FlagDifference, *, as_json: bool) -> None:
    if as_json:
        print_json(difference.document())
        return
    result(*(f"- {flag.description}" for flag in difference.removed))
    result(*(f"+ {flag.description}" for flag in difference.added))
    for change in difference.changed:
        result(f"~ {change.flag.names[0]}: {'; '.join(change.differences)}")
