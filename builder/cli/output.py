"""What the command line prints: stdout is the result, stderr is the story, and every line goes through here.

Text from outside is escaped here, so that no command can forget it: nothing else in this room prints. Lines are passed
one by one, so that a line break in a name is escaped too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

import click

from m2build.errors import M2BuildError
from m2build.local.printable import printable, shell_text

_OURS = "m2build:"
"""The prefix of m2build's own messages."""
_CLEAR = "\r\x1b[K"
"""Go to the start of the line and clear it."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def schema_option(text: Callable[[], str], *options: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """The option `--schema`, which prints a JSON Schema without a look at the other arguments.

    Args:
        text: gives the schema; what it needs is imported when it is called.
        options: the options whose output the schema describes.
    """

    def show(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
        if wanted and not context.resilient_parsing:
            result(*text().splitlines())
            context.exit()

    about = f"Print the JSON Schema of {' and '.join(options)}, and do nothing else."
    return click.option("--schema", is_flag=True, is_eager=True, expose_value=False, callback=show, help=about)


def silence(stream: TextIO | None) -> None:
    """Redirect a stream to /dev/null, so that the flush at exit cannot fail."""
    if stream is not None:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stream.fileno())
        os.close(devnull)


def result(*lines: str) -> None:
    """Print lines of the result on stdout."""
    clear()
    for line in lines:
        click.echo(_unlike_ours(printable(line, _encoding(sys.stdout))))


def print_json(value: Mapping[str, object] | Sequence[object]) -> None:
    """Print a value as indented JSON on stdout, in ASCII: JSON has its own escapes, which every parser decodes."""
    import json

    click.echo(json.dumps(value, indent=2))


def result_candidate(word: str, description: str) -> None:
    """Print a completion for a shell and, after a tab, its description if it has one."""
    click.echo("\t".join(printable(part, _encoding(sys.stdout)) for part in (word, description) if part))


def result_diff(diff: bytes) -> None:
    """Print a diff on stdout: byte for byte, for `git apply`, unless a person reads it on a terminal."""
    if sys.stdout and sys.stdout.isatty():
        for line in diff.decode(errors="backslashreplace").removesuffix("\n").split("\n"):
            click.echo("\t".join(printable(part, _encoding(sys.stdout)) for part in line.split("\t")))
    else:
        click.echo(diff, nl=False)


def shell_line(words: Iterable[str]) -> str:
    """A command line that a shell can run, in the encoding of stdout."""
    return shell_text(words, _encoding(sys.stdout))


def story_line(line: str) -> None:
    """Print a line of the story on stderr."""
    _story(_unlike_ours(printable(line, _encoding(sys.stderr))))


def redraw(line: str) -> None:
    """Show a line on the terminal, on stderr, until something else is printed."""
    _story(_unlike_ours(printable(line, _encoding(sys.stderr))), end="")
    _terminal.is_drawn = True


def clear() -> None:
    """Erase the line that `redraw` showed last."""
    if _terminal.is_drawn:
        _story("", end="")


def note(sentence: str) -> None:
    """Print on stderr what the user should know, whatever --progress says."""
    _story(f"{_OURS} {printable(sentence, _encoding(sys.stderr))}")


def confirmed(sentence: str) -> bool:
    """Say a sentence on stderr, and ask there whether to go on; an end of the input is a no.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    note(sentence)
    try:
        return click.confirm("go on?", err=True)
    except click.Abort as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        return False


def show_help(context: click.Context) -> None:
    """Print a command's help on stderr."""
    click.echo(context.get_help(), err=True)


def explain(problem: M2BuildError, hint: str | None) -> None:
    """Print an error on stderr: its message on a line, its details and the next step on indented ones."""
    note(problem.message)
    for line in (*(f"    {detail}" for detail in problem.details), *([f"  {hint}"] if hint else [])):
        story_line(line)


def show_traceback(error: BaseException) -> None:
    """Print an error's traceback on stderr, each message on one line."""
    import traceback

    for part in traceback.format_exception(error):
        is_frame = part.startswith("  ")
        for line in part.splitlines() if is_frame else [part.strip("\n")]:
            story_line(line)


@dataclass
class _Terminal:
    """The state of the terminal's last line.

    Attributes:
        is_drawn: whether `redraw` has shown a line there.
    """

    is_drawn: bool = False


_terminal = _Terminal()


def _story(text: str, end: str = "\n") -> None:
    """Write to stderr; if that fails, the work goes on."""
    start, _terminal.is_drawn = _CLEAR * _terminal.is_drawn, False
    try:
        click.echo(f"{start}{text}{end}", err=True, nl=False)
    except OSError:
        silence(sys.stderr)


def _encoding(stream: TextIO | None) -> str:
    return str(stream.encoding or "utf-8") if stream else "utf-8"


def _unlike_ours(line: str) -> str:
    """A line that cannot pass for m2build's own: a file can be called `m2build: done`."""
    return line.replace(":", "\\x3a", 1) if line.startswith(_OURS) else line
