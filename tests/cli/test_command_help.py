"""`--help` everywhere: it works, it has examples, and the examples are accepted."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from helpers.cli.command_tree import WAYS, find, members
from helpers.commands import m2build, succeeds

from m2build import __version__, errors
from m2build.cli.root import cli


def help_of(way: tuple[str, ...]) -> str:
    """What `m2build WAY --help` prints; in this process, as there are many."""
    result = CliRunner().invoke(cli, [*way, "--help"], prog_name="m2build")
    assert result.exit_code == 0
    return result.stdout


def examples(text: str) -> list[str]:
    """The `m2build …` lines below `Example:` or `Examples:`."""
    below = re.split(r"^ *Examples?:\n", text, flags=re.MULTILINE)[1]
    return [line.strip() for line in below.splitlines() if re.match(r"( *|.*\$\()m2build ", line)]


def test_the_commands_are_these() -> None:
    assert {" ".join(way) for way in WAYS} == {
        "", "image", "push", "inspect", "verify", "diff", "revert", "rebase", "render", "bake", "lock", "mounts",
        "completion", "check", "ci", "drift", "flags", "size", "doctor", "run", "compose", "kubernetes",
        "bench", "bench compare", "bench show", "report", "base", "base check", "base mirror",
        "patch", "patch list", "patch show", "patch diff", "patch apply", "patch revert", "patch status",
        "patch import", "patch waiver", "patch schema", "cache", "cache show", "cache prune",
        "policy", "policy kyverno", "policy sigstore", "policy schema",
        "recipe", "recipe list", "recipe new", "recipe show", "recipe schema",
    }  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_help_has_examples_that_are_accepted(way: tuple[str, ...]) -> None:
    """click itself reads each example: an unknown option, a missing one or a word too many raises."""
    text = help_of(way)
    assert text.startswith(f"Usage: {' '.join(['m2build', *way])} ")
    found = examples(text)
    assert found
    for line in found:
        words = shlex.split(re.split(r'\)"| [|>] ', line.partition("m2build ")[2])[0])
        assert tuple(words[: len(way)]) == way
        depth = next(end for end in range(len(words), 0, -1) if tuple(words[:end]) in WAYS)
        find(tuple(words[:depth])).make_context(line, words[depth:])


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_every_option_says_what_it_is_for(way: tuple[str, ...]) -> None:
    options = [option for option in find(way).params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []
    assert find(way).help


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_help_can_be_read_on_any_terminal(way: tuple[str, ...]) -> None:
    assert help_of(way).isascii()


def test_the_exit_codes_in_the_help_are_those_of_the_errors() -> None:
    output = re.sub(r"\s+", " ", help_of(()).partition("Exit codes:")[2])
    codes = {int(code) for code in re.findall(r"(?:^|, )(\d+) ", f", {output.strip()}")}
    kinds: list[type[errors.M2BuildError]] = [errors.M2BuildError, *errors.M2BuildError.__subclasses__()]
    assert codes == {0, 130, *(kind.exit_code for kind in kinds)}


@pytest.mark.parametrize("way", [(), ("patch",), ("recipe",)], ids=["m2build", "patch", "recipe"])
def test_without_a_command_the_help_goes_to_stderr(way: tuple[str, ...]) -> None:
    """So that a script which lost its arguments fails and pipes nothing on."""
    run = m2build(*way)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == succeeds(*way, "-h")


def test_version() -> None:
    assert succeeds("--version") == f"m2build {__version__}\n"


def test_the_installed_command_and_the_module_are_one() -> None:
    """`m2build` and `python -m m2build`: the same usage and errors."""
    script = Path(sys.executable).with_name("m2build")
    run = subprocess.run([script, "imge"], capture_output=True, text=True, check=False)
    other = m2build("imge")
    assert (run.returncode, run.stdout, run.stderr) == (other.returncode, other.stdout, other.stderr)
    assert run.returncode == 2


@pytest.mark.parametrize("way", [way for way in WAYS if isinstance(find(way), click.Group)], ids=" ".join)
def test_lists_of_commands_break_off_no_sentence(way: tuple[str, ...]) -> None:
    assert "..." not in help_of(way).partition("Commands:")[2].partition("\n\n")[0]


def test_every_command_is_summed_up_on_one_line() -> None:
    """The summaries are beside the group, which imports no command to print its help."""
    listed = dict(
        re.findall(r"^  (\w+)  +(\S.*)$", help_of(()).partition("Commands:")[2].partition("\n\n")[0], re.MULTILINE)
    )
    assert listed.keys() == members(cli).keys()
    assert [summary for summary in listed.values() if not summary.endswith(".") or "..." in summary] == []
