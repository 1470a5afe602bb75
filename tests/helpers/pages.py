"""The pages' generated parts: examples with their output, tables, and the picture of the rooms.

`python tests/helpers/pages.py` writes them into all pages, `python tests/helpers/pages.py PAGE...` into some. The
commands of a page run in one bash session, from top to bottom, in an empty folder. Functions import other helpers
late: a script finds them only once `tests` is on its path.
"""

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

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
_BY_OTHER_TESTS = {ROOT / "docs" / "patches.md"}
"""Their console blocks need more than an empty folder: test_docs.py runs them."""
_CONSOLE = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(
    r"(?P<start>^<!-- (?P<name>.+): written by tests/helpers/pages\.py -->\n).*?(?P<end>^<!-- end of (?P=name) -->$)",
    re.MULTILINE | re.DOTALL,
)
_END = "@@ end of output @@"


def examples(page: Path) -> list[str]:
    """A page's examples: blocks of commands behind `$ `, with what they print."""
    return [] if page in _BY_OTHER_TESTS else _CONSOLE.findall(page.read_text(encoding="utf-8"))


def tables(page: Path) -> list[str]:
    """The names of a page's generated tables."""
    return [match["name"] for match in _TABLE.finditer(page.read_text(encoding="utf-8"))]


def rendered(page: Path) -> str:
    """A page with every generated part up to date."""
    text = page.read_text(encoding="utf-8")
    blocks = examples(page)
    if blocks:
        outputs = iter(_run([line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]))
        text = _CONSOLE.sub(lambda match: "".join(_with_output(match[0], outputs)), text)
    return _TABLE.sub(lambda match: f"{match['start']}\n{_table(match['name'])}\n\n{match['end']}", text)


def _with_output(block: str, outputs: Iterator[str]) -> Iterator[str]:
    for line in block.splitlines():
        if line.startswith("$ "):
            yield f"{line}\n{next(outputs)}"


def _run(commands: list[str]) -> list[str]:
    """What each command prints on stdout, in one bash session in an empty folder; `m2build` from a warm start."""
    from helpers.warm import server, warm_program

    script = "".join(f"{command}\necho '{_END}'\n" for command in commands)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as programs:
        warm_program(Path(programs) / "m2build")
        path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        run = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script], cwd=folder, env={**os.environ, "PATH": path},
            pass_fds=[server()], capture_output=True, text=True, check=False,
        )  # fmt: skip
    outputs = run.stdout.split(f"{_END}\n")
    if run.returncode != 0 or len(outputs) != len(commands) + 1:
        raise AssertionError(f"{commands[len(outputs) - 1]!r} failed: {run.stderr}")
    return outputs[:-1]


def _table(name: str) -> str:
    if name == "commands":
        return "\n".join(["| command | what it does |", "| --- | --- |", *_commands(cli, "m2build")])
    if name == "exit codes":
        return "\n".join(["| code | when |", "| ---: | --- |", *_exit_codes()])
    if name == "findings":
        return "\n".join(["| finding | what it means |", "| --- | --- |", *_findings()])
    if name == "faults":
        return "\n".join(["| class | cases | held |", "| --- | ---: | ---: |", *_faults()])
    if name == "rooms":
        return "\n".join(["| room | what is in it |", "| --- | --- |", *_rooms()])
    if name == "picture of the rooms":
        return "\n".join(["```mermaid", "flowchart TD", *_picture(), "```"])
    raise AssertionError(f"there is no table {name!r}")


def _commands(command: click.Command, path: str) -> Iterator[str]:
    from helpers.cli.command_tree import members

    if not isinstance(command, click.Group) or command.invoke_without_command:
        arguments = [item for item in command.params if isinstance(item, click.Argument)]
        usage = " ".join([path, *(item.make_metavar(click.Context(command)) for item in arguments)])
        yield f"| `{usage}` | {command.get_short_help_str(200)} |".replace("|zsh|fish", "\\|zsh\\|fish")
    if isinstance(command, click.Group):
        for name, member in sorted(members(command).items()):
            yield from _commands(member, f"{path} {name}")


def _exit_codes() -> Iterator[str]:
    codes = {0: "Done.", 130: "Interrupted by Ctrl-C or `kill`."}
    kinds = [errors.M2BuildError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        codes[kind.exit_code] = (kind.__doc__ or "").partition("\n")[0]
    codes[1] = "Internal error: a bug in m2build."
    return (f"| {code} | {when} |" for code, when in sorted(codes.items()))


def _findings() -> Iterator[str]:
    from m2build.verification.findings import KINDS

    return (f"| `{name}` | {meaning} |" for name, meaning in KINDS.items())


_COUNTED = re.compile(r"^(\| .+ \| [0-9,]+ \| [0-9,]+ \|) tests/sweeps/test_sweep_(\S+)\.py \|$", re.MULTILINE)
_FAULTS = re.compile(r"registry|referrers|kills_of|caches")
"""Which sweeps have faults of registries, of machines and of kept files."""


def _faults() -> Iterator[str]:
    """Rows of docs/reliability.md, which a sweep holds against what the sweeps try."""
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    return (row for row, sweep in _COUNTED.findall(page) if _FAULTS.search(sweep))


def _rooms() -> Iterator[str]:
    from helpers.rooms import ROOMS, purpose

    return (f"| `{name or 'm2build'}` | {purpose(name)} |" for name in reversed(ROOMS))


def _picture() -> Iterator[str]:
    """Mermaid's lines: the direct arrows between rooms, then the rooms without any."""
    from helpers.rooms import ROOMS, direct_arrows

    arrows = direct_arrows()
    yield from (f"    {upper or 'm2build'} --> {lower or 'm2build'}" for upper, lower in arrows)
    yield from (f"    {name or 'm2build'}" for name in ROOMS if not any(name in arrow for arrow in arrows))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))
    for page in [Path(argument).resolve() for argument in sys.argv[1:]] or PAGES:
        page.write_text(rendered(page), encoding="utf-8")
