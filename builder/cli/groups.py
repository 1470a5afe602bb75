"""Groups of commands that know what a mistyped command was meant to be."""

from __future__ import annotations

import click

from m2build.cli.output import show_help
from m2build.errors import UsageError
from m2build.suggest import did_you_mean


class Group(click.Group):
    """A group; without a command it shows its help, on stderr and with the exit code of bad usage.

    click does one thing or the other, depending on its version.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the group's own options off the command line."""
        if not args and not ctx.resilient_parsing:
            show_help(ctx)
            ctx.exit(UsageError.exit_code)
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
