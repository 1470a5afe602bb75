"""`m2build completion`: what a shell needs to complete our words."""

from __future__ import annotations

import click

from m2build.cli.output import result

COMPLETE_VARIABLE = "_M2BUILD_COMPLETE"
"""The environment variable through which a shell asks for completions."""


@click.command(
    epilog="""\b
Examples:
  eval "$(m2build completion bash)"
  m2build completion fish > ~/.config/fish/completions/m2build.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell."""
    from click.shell_completion import get_completion_class

    completer = get_completion_class(shell)
    if completer is not None:
        result(*completer(context.find_root().command, {}, "m2build", COMPLETE_VARIABLE).source().splitlines())
