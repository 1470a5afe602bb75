"""The `m2build` command: its groups, and the one place where errors become sentences and exit codes.

Modules of this room import click and nothing heavier at the top: `m2build --help` has to answer at once.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

import click

from m2build import __version__
from m2build.cli.completion import completion
from m2build.cli.image import image
from m2build.cli.patch import patch
from m2build.cli.recipe import recipe
from m2build.errors import M2BuildError

_INTERRUPTED = 130
_EPILOG = """\b
Examples:
  m2build image --tp 8 --base pypi:sglang==0.5.7 -o oci:./minimax-m2-tp8
  m2build patch diff --source pypi:sglang==0.5.7
  m2build recipe show --tp 4

\b
Exit codes: 0 done, 1 internal error, 2 bad usage or recipe, 3 the base is not
what was locked, 4 a patch does not apply, 5 a check of content failed,
8 registry or network, 14 something would change (--check), 16 a local file
cannot be read or written, 130 interrupted.
"""


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="m2build %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Derive a MiniMax-M2 image for AMD MI300X from SGLang's, by reviewed patches and nothing else."""


for command in (image, patch, recipe, completion):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code and never raises."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    signal.signal(signal.SIGTERM, _terminated)
    # A short process makes little garbage and many objects: looking for cycles would take a seventh of its time.
    gc.set_threshold(100_000)
    try:
        result = cli.main(args=list(arguments), prog_name="m2build", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show(sys.stderr)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("m2build: interrupted; nothing was left half-written", err=True)
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not try to flush to it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except M2BuildError as error:
        return _explain(error, debug="--debug" in arguments)
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback unless asked for
        return _explain_internal(error, debug="--debug" in arguments)
    return result if isinstance(result, int) else 0


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    """Let `kill` unwind the stack as Ctrl-C does, so that temporary files go."""
    raise KeyboardInterrupt


def _explain(error: M2BuildError, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    click.echo(f"m2build: {error}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
    return error.exit_code


def _explain_internal(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    click.echo(f"m2build: internal error: {type(error).__name__}: {error}", err=True)
    click.echo("  this is a mistake of m2build's; please report it with the output of --debug", err=True)
    return M2BuildError.exit_code
