"""The `m2build` command: its groups, and the one place where errors become sentences and exit codes.

Modules of this room import click and nothing heavier at the top: `m2build --help` has to be fast.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import ClassVar

import click

from m2build import __version__
from m2build.cli.groups import LateGroup
from m2build.cli.output import clear, explain, show_traceback, silence
from m2build.documents.suggest import did_you_mean
from m2build.errors import ContentError, EngineError, M2BuildError, StorageError, TransportError, UsageError

_EPILOG = """\b
Examples:
  m2build image --tp 8 --base pypi:sglang==0.5.7 -o oci:./minimax-m2-tp8
  m2build patch diff --source pypi:sglang==0.5.7
  m2build recipe show --tp 4

\b
Exit codes: 0 done, 1 internal error, 2 bad usage or recipe, 3 the base is not
what was locked, 4 a patch does not apply, 5 a check of content failed, 6 the
server rejects the launch flags, 7 a rule of --require is broken, 8 registry or
network, 9 a container engine or another program is missing or failed,
14 something would change or has changed (--check, drift --lock, base check) or
got worse (--fail-if), 15 more would be read or copied than is allowed,
16 a local file cannot be read or written, 130 interrupted.
"""

COMPLETE_VARIABLE = "_M2BUILD_COMPLETE"
"""The environment variable that names the shell which asks for completions."""

_NEXT_STEPS: dict[type[M2BuildError], str] = {
    ContentError: "copy or fetch it again; if the error stays, the source itself is damaged",
    TransportError: "check the network, and try again",
    EngineError: "`--engine embedded` needs no container engine",
    StorageError: "check the path, its permissions and the free space",
}
"""The hint for an error that has none."""


class _Commands(LateGroup):
    """All commands."""

    summaries: ClassVar = {
        "bench": "Measure a server, and compare results.",
        "base": "See whether a base has moved, and keep a copy of it.",
        "bake": "Write a folder of images for `docker buildx bake`.",
        "cache": "Show the cache, and remove its oldest entries.",
        "ci": "Print a workflow for GitHub, GitLab or Tekton.",
        "check": "Check that a base's server accepts a profile's launch flags.",
        "completion": "Print the completion script for a shell.",
        "compose": "Print a Compose file that serves an image.",
        "diff": "Show how two images differ, without their common layers.",
        "doctor": "Check this machine: engine, disks, GPUs, kernel; with fixes.",
        "drift": "Show what a series does on each published release.",
        "flags": "Show a server's launch flags, or how those of two releases differ.",
        "image": "Derive images, and deliver them.",
        "inspect": "Show what an image is, and how it differs from its base.",
        "kubernetes": "Write Kubernetes' objects that serve an image.",
        "lock": "Write the digests that images rest on into m2build.lock.",
        "mounts": "Lay the changed files over the stock image, without a derived one.",
        "patch": "Try, apply and revert patches on any source tree.",
        "policy": "Write policies for clusters: run only what is signed.",
        "push": "Publish the image of a layout or an archive.",
        "rebase": "Derive an image anew on another base.",
        "recipe": "Show recipes, and the command lines of their profiles.",
        "render": "Write a Dockerfile and its build context.",
        "report": "Write a page that shows what images are and what runs measured.",
        "revert": "Name the base of an image, proven and by digest.",
        "run": "Serve an image with Docker or podman, or print the command.",
        "size": "Show what a model takes of GPUs' memory, and what fits beside it.",
        "verify": "Prove an image from recipe and base alone.",
    }
    modules: ClassVar = {"ci": "pipelines"}


@click.group(
    cls=_Commands,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="m2build %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error, as in m2build --debug image --tp 8.")
def cli(debug: bool) -> None:
    """Derive a MiniMax-M2 image for AMD MI300X from SGLang's, by reviewed patches and nothing else."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    Raises:
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as for a job in the background, or under nohup
            signal.signal(number, _interrupt)
    debug = "--debug" in arguments
    try:
        code = _invoke(arguments)
        if sys.stdout:
            sys.stdout.flush()
    except KeyboardInterrupt:
        clear()
        raise
    except BrokenPipeError:
        # The reader has closed the pipe, as `head` does: not a failure.
        silence(sys.stdout)
        return 0
    except click.ClickException as error:
        return _explain(_from_click(error), error, debug=debug)
    except M2BuildError as error:
        return _explain(error, error, debug=debug)
    except OSError as error:
        silence(sys.stdout)
        what = f"{error.filename} cannot be read or written" if error.filename else "the output cannot be written"
        return _explain(StorageError(f"{what}: {error.strerror}"), error, debug=debug)
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback without --debug
        problem = M2BuildError(
            f"internal error: {type(error).__name__}: {error}",
            hint="this is a bug in m2build; please report it with the output of `m2build --debug …`",
        )
        return _explain(problem, error, debug=debug)
    return code


def _invoke(arguments: list[str]) -> int:
    """What click's own `main` does, without its printing: not even an empty line at Ctrl-C."""
    if shell := os.environ.get(COMPLETE_VARIABLE):
        from m2build.cli.completion import answer

        answer(cli, shell, arguments)
        return 0
    try:
        with cli.make_context("m2build", arguments) as context:
            cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Unwind the stack, so that temporary files are removed; a second Ctrl-C would leave them, so it is ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _from_click(error: click.ClickException) -> UsageError:
    """What click found wrong with the command line, in our form."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    message = error.format_message().rstrip(".")
    if isinstance(error, click.MissingParameter):
        message = message.partition(". Choose from:")[0]  # click lists on lines what the name of the argument lists
    if isinstance(error, click.NoSuchOption) and context:
        known = [name for option in context.command.get_params(context) for name in option.opts if name[1:2] == "-"]
        message = f"there is no option {did_you_mean(error.option_name, known)}"
    path = context.command_path if context else "m2build"
    return UsageError(f"{message[:1].lower()}{message[1:]}", hint=f"`{path} --help` lists its options and arguments")


def _explain(problem: M2BuildError, error: Exception, *, debug: bool) -> int:
    if debug:
        show_traceback(error)
    step = next((step for kind, step in _NEXT_STEPS.items() if isinstance(problem, kind)), None)
    explain(problem, problem.hint or step)
    return problem.exit_code
