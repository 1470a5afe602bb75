"""An option that takes one value cannot be given twice: click would use the last one without a message."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from helpers.cli.command_tree import members
from helpers.commands import refused, succeeds

from m2build.cli.groups import Command, Group
from m2build.cli.root import cli
from m2build.errors import UsageError


def commands(group: click.Group = cli, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it, groups included."""
    for name, command in members(group).items():
        yield (*way, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*way, name))


OPTIONS = {
    (*way, option.opts[-1]): option
    for way, command in [((), cli), *commands()]
    for option in command.params
    if isinstance(option, click.Option) and not option.is_flag
}
SINGLE = [way for way, option in OPTIONS.items() if not option.multiple]


def spellings(option: click.Option) -> Iterator[list[str]]:
    """The option given twice, in every way in which it can be spelled."""
    for first in option.opts:
        for second in option.opts:
            yield [first, "a", second, "b"]
            yield [first, "a", second, "a"]
            yield [f"{first}{'=' * first.startswith('--')}a", f"{second}{'=' * second.startswith('--')}b"]


def test_the_whole_tree_is_of_our_own_commands() -> None:
    foreign = [way for way, command in commands() if not isinstance(command, Command | Group)]
    assert foreign == []
    assert len(SINGLE) > 30
    assert {way[-1] for way in OPTIONS if way not in SINGLE} >= {"--set", "--tp", "--tag"}


@pytest.mark.parametrize("way", SINGLE, ids=" ".join)
def test_an_option_that_takes_one_value_is_refused_twice(way: tuple[str, ...]) -> None:
    for words in spellings(OPTIONS[way]):
        with pytest.raises(UsageError, match=f"^{max(OPTIONS[way].opts, key=len)} is given twice"):
            cli.main([*way[:-1], *words], standalone_mode=False)


@pytest.mark.parametrize("way", [way for way in OPTIONS if way not in SINGLE], ids=" ".join)
def test_an_option_that_takes_several_values_is_not(way: tuple[str, ...]) -> None:
    # The value is refused or the destination is missing: either way not for want of a choice between the two.
    with pytest.raises((UsageError, click.ClickException)) as caught:
        cli.main([*way[:-1], way[-1], "x", way[-1], "y"], standalone_mode=False)
    assert "given twice" not in str(caught.value)


def test_the_process_exits_with_2_and_names_the_option() -> None:
    stderr = refused(2, "image", "--tp", "8", "-o", "oci:a", "--output", "oci:b")
    assert stderr.splitlines() == [
        "m2build: --output is given twice, but takes one value",
        "  keep one --output",
    ]


def test_flags_may_be_repeated_and_help_is_always_given() -> None:
    assert succeeds("recipe", "list", "--json", "--json") == succeeds("recipe", "list", "--json")
    assert succeeds("render", "--tp", "4", "--tp", "8", "--help").startswith("Usage: m2build render")
