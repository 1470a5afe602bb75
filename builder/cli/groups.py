"""Commands that refuse a repeated option, and groups that suggest a command for a mistyped one."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import click

from m2build.cli.output import show_help
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError


class Command(click.Command):
    """A command that refuses to take an option of one value twice; click would use the last one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command's options.

        Raises:
            UsageError: one that takes a single value is given twice.
        """
        _check_once(self, ctx, args)
        return super().parse_args(ctx, args)


def _check_once(command: click.Command, ctx: click.Context, args: list[str]) -> None:
    if ctx.resilient_parsing:  # for completion
        return
    _, _, given = command.make_parser(ctx).parse_args(args=list(args))
    if any(option.is_eager for option in given):  # --help and --version end the command
        return
    for option in given:
        takes_one = isinstance(option, click.Option) and not (option.is_flag or option.multiple or option.count)
        if takes_one and given.count(option) > 1:
            name = max(option.opts, key=len)
            raise UsageError(f"{name} is given twice, but takes one value", hint=f"keep one {name}")


class Group(click.Group):
    """A group; without a command it shows its help, on stderr and with the exit code of bad usage.

    click does one thing or the other, depending on its version.
    """

    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the group's own options."""
        if not args and not ctx.resilient_parsing:
            show_help(ctx)
            ctx.exit(UsageError.exit_code)
        _check_once(self, ctx, args)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names."""
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            raise UsageError(
                f"`{ctx.command_path}` has no command {did_you_mean(args[0], self.list_commands(ctx))}",
                hint=f"`{ctx.command_path} --help` lists them",
            )
        return super().resolve_command(ctx, args)


class LateGroup(Group):
    """A group whose commands are imported when they are used: command NAME is `m2build.cli.NAME.NAME`,
    or that of the module which `modules` names.

    Its help is printed from their summaries, without importing any.
    """

    summaries: ClassVar[Mapping[str, str]]
    """The commands by their names, each with what it does in a few words."""
    modules: ClassVar[Mapping[str, str]] = {}
    """The modules of commands that are not called like their module."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as in click
        """The names, sorted."""
        return sorted(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as in click
        """Import a command; None if there is none of that name."""
        if cmd_name not in self.summaries:
            return None
        found: object = getattr(import_module(f"m2build.cli.{self.modules.get(cmd_name, cmd_name)}"), cmd_name)
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.summaries[name]) for name in self.list_commands(ctx)])
