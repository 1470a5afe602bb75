"""The README's generated parts: `python tests/readme.py` runs its examples and writes their output and the tables."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from m2build import errors
from m2build.cli.root import cli

README = Path(__file__).parents[2] / "README.md"
_CONSOLE = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_END = "@@ end of output @@"


def rendered(text: str) -> str:
    """The README with every generated part as it has to be."""
    blocks = _CONSOLE.findall(text)
    outputs = iter(_run([line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]))
    text = _CONSOLE.sub(lambda match: "".join(_with_output(match[0], outputs)), text)
    commands = ["| command | what it does |", "| --- | --- |", *_commands(cli, "m2build")]
    text = _between(text, "commands", "\n".join(commands))
    return _between(text, "exit codes", "\n".join(["| code | when |", "| ---: | --- |", *_exit_codes()]))


def _with_output(block: str, outputs: Iterator[str]) -> Iterator[str]:
    for line in block.splitlines():
        if line.startswith("$ "):
            yield f"{line}\n{next(outputs)}"


def _run(commands: list[str]) -> list[str]:
    """What each command of one bash session prints on stdout, in an empty folder."""
    script = "".join(f"{command}\necho '{_END}'\n" for command in commands)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script], cwd=folder, env={**os.environ, "PATH": path},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    outputs = run.stdout.split(f"{_END}\n")
    if run.returncode != 0 or len(outputs) != len(commands) + 1:
        raise AssertionError(f"{commands[len(outputs) - 1]!r} failed: {run.stderr}")
    return outputs[:-1]


def _between(text: str, name: str, generated: str) -> str:
    start, end = f"<!-- {name}: written by tests/readme.py -->\n", f"<!-- end of {name} -->"
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n{generated}\n\n{end}{after}"


def _commands(command: click.Command, path: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _commands(command.commands[name], f"{path} {name}")
    else:
        arguments = [item for item in command.params if isinstance(item, click.Argument)]
        usage = " ".join([path, *(item.make_metavar(click.Context(command)) for item in arguments)])
        yield f"| `{usage}` | {command.get_short_help_str(200)} |".replace("|zsh|fish", "\\|zsh\\|fish")


def _exit_codes() -> Iterator[str]:
    codes = {0: "Done.", 130: "Interrupted by Ctrl-C or `kill`."}
    kinds = [errors.M2BuildError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        codes[kind.exit_code] = (kind.__doc__ or "").partition("\n")[0]
    codes[1] = "Internal error: a mistake of m2build's own."
    return (f"| {code} | {when} |" for code, when in sorted(codes.items()))


if __name__ == "__main__":
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
