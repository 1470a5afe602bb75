"""The checks are the same wherever they run: in CI, as pre-commit hooks, and by hand from CONTRIBUTING.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import yaml
from helpers.rooms import MODULES, nodes

ROOT = Path(__file__).parent.parent


def checks_of_ci() -> list[str]:
    """The lines of .ci/run from the first linter to the end of its paragraph."""
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (found,) = re.findall(r"^shellcheck .*?\n(?=\n)", text, re.MULTILINE | re.DOTALL)
    return str(found).splitlines()


def test_the_hooks_are_cis_checks_and_fetch_nothing() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    assert [hook.pop("entry") for hook in repository["hooks"]] == checks_of_ci()
    for hook in repository["hooks"]:
        assert hook.keys() == {"id", "name", "language", "pass_filenames", "always_run"}
        assert (hook["language"], hook["pass_filenames"], hook["always_run"]) == ("system", False, True)


def test_the_checks_to_run_by_hand_are_cis() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "\n".join(["```sh", *checks_of_ci(), "```"]) in text


def test_messages_say_is_not_a_and_name_no_unknown_people() -> None:
    """Write "X is not a Y" for "X is no Y", and name who or what acts."""
    texts = {
        (path.name, node.value)
        for path in MODULES.values()
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    odd = re.compile(
        r"(?<!there )\b(is|are) no (?!longer\b|more\b)[a-z]|\b(nobody|whoever)\b|\b(is|are) told\b", re.IGNORECASE
    )
    assert sorted(text for text in texts if odd.search(text[1])) == []
