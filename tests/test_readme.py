"""What the README shows is what happens: its examples run, its tables are generated, its commands are CI's."""

from __future__ import annotations

import re
from pathlib import Path

from helpers.readme import README, rendered
from helpers.support import need_tool

TEXT = README.read_text(encoding="utf-8")


def test_the_examples_and_tables_are_current() -> None:
    for tool in ("bash", "git", "sha256sum", "skopeo", "umoci"):
        need_tool(tool)
    assert rendered(TEXT) == TEXT, "run `python tests/readme.py`"


def test_ci_runs_the_readmes_own_test_command() -> None:
    """It differs in saying less, and in having to have the engines; the sweeps follow."""
    (command,) = re.findall(r"^(pip install .* && pytest)\s+# passes the tests$", TEXT, re.MULTILINE)
    lines = (Path(README).parent / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    in_ci = command.replace("pip install", "pip install --quiet --disable-pip-version-check")
    assert lines[-2:] == [f"{in_ci} --require-engines", "pytest --require-engines --sweep"]


def test_relative_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in link]
    assert links != []
    assert [link for link in links if not (README.parent / link.partition("#")[0]).exists()] == []
