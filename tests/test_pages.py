"""The pages are true: examples run, tables are generated, commands are accepted, and named files exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from helpers.cli.command_tree import members
from helpers.pages import PAGES, README, ROOT, examples, rendered, tables
from helpers.support import need_tool, sampled

from m2build.cli.root import cli

TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
M2BUILD = re.compile(r"(?:^|\(|&& )m2build (.*?)(?= *(?:$|\)|&&|[>|]|(?<= )#))", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"(?<![\w./$-])(?:\.ci|benchmarks|builder|docs|patches|recipes|tests)/[\w./*-]*[\w/*]")


RUN = [page for page in PAGES if examples(page)]
"""The first is README.md."""
FILLED = [page for page in PAGES if tables(page) and page not in RUN]


@pytest.mark.parametrize("page", [*FILLED, *sampled(RUN, every=7)], ids=lambda page: page.name)
def test_the_examples_and_tables_are_current(page: Path) -> None:
    for tool in ("bash", "git", "jq", "sha256sum", "skopeo", "umoci") if examples(page) else ():
        need_tool(tool)
    command = f"python tests/helpers/pages.py {page.relative_to(ROOT)}"
    assert rendered(page) == page.read_text(encoding="utf-8"), f"run `{command}`"


def test_one_command_writes_a_page_anew(tmp_path: Path) -> None:
    whole = TEXTS["docs/commands.md"]
    page = tmp_path / "page.md"
    page.write_text(re.sub(r"(pages\.py -->\n).*?(?=<!-- end of)", r"\1", whole, flags=re.DOTALL), encoding="utf-8")
    assert page.read_text(encoding="utf-8") != whole
    subprocess.run([sys.executable, ROOT / "tests" / "helpers" / "pages.py", page.name], cwd=tmp_path, check=True)
    assert page.read_text(encoding="utf-8") == whole


def test_nothing_generated_is_lost() -> None:
    assert sum(len(examples(page)) for page in PAGES) >= 8
    assert sorted(name for page in PAGES for name in tables(page)) == [
        "commands",
        "exit codes",
        "faults",
        "findings",
        "picture of the rooms",
        "rooms",
    ]


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    lines = TEXTS["README.md"].splitlines()
    assert len(lines) < 130
    (first, second) = (number for number, line in enumerate(lines) if line.startswith("pip install "))
    assert second == first + 1 < 30


def test_ci_runs_the_readmes_own_test_command() -> None:
    """CI's command is quieter and requires the engines; the sweeps follow."""
    (command,) = re.findall(r"^(pip install .* && pytest)\s+# passes the tests$", TEXTS["README.md"], re.MULTILINE)
    lines = (README.parent / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    in_ci = command.replace("pip install", "pip install --quiet --disable-pip-version-check")
    assert lines[-2:] == [f"{in_ci} --require-engines", "pytest --require-engines --sweep"]


def test_the_commands_of_shell_blocks_are_accepted() -> None:
    """click itself reads each: an unknown option, a missing one or a word too many raises."""
    blocks = [block.replace("\\\n", " ") for text in TEXTS.values() for block in SHELL.findall(text)]
    commands = [command for block in blocks for command in M2BUILD.findall(block)]
    assert len(commands) >= 15
    for command in commands:
        words = shlex.split(command)
        found: click.Command = cli
        while isinstance(found, click.Group) and not (found.invoke_without_command and words[0].startswith("-")):
            found = members(found)[words.pop(0)]
        found.make_context(command, words)


def test_relative_links_have_targets() -> None:
    """To a file or a folder, and to a heading where they name one."""
    broken, count = [], 0
    for page, text in TEXTS.items():
        for link in LINK.findall(text):
            if "://" in link:
                continue
            count += 1
            path, _, heading = link.partition("#")
            target = (ROOT / page).parent / path if path else ROOT / page
            if not target.exists() or (heading and heading not in headings(target)):
                broken.append(f"{page}: {link}")
    assert broken == []
    assert count > 30


def headings(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub forms them."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_paths_of_the_repository_exist() -> None:
    """`NAME` stands for any name, as `*` does."""
    named = {(page, path) for page, text in TEXTS.items() for path in PATH.findall(text)}
    assert [f"{page}: {path}" for page, path in sorted(named) if not any(ROOT.glob(path.replace("NAME", "*")))] == []
    assert len(named) > 30
