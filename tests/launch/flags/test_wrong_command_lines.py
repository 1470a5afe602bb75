"""Wrong command lines are refused, each with a message that names the thing, the nearest valid one, and what to do."""

from __future__ import annotations

from functools import cache

import pytest
from helpers.launch.command_lines import WrongLine, right_lines, wrong_lines
from helpers.launch.releases import flags_of

from m2build.launch.findings import Finding
from m2build.launch.flags.parsing import parse_words

WRONG = wrong_lines()


@cache
def findings(line: WrongLine) -> tuple[Finding, ...]:
    return parse_words(flags_of(line.release), line.words).findings


def test_there_are_many_of_each_kind() -> None:
    rules = {finding.rule for line in WRONG for finding in findings(line)}
    assert len(WRONG) >= 90
    assert rules == {
        "unknown-flag", "ambiguous-flag", "flag-type", "flag-choice", "flag-value", "stray-word", "missing-flag",
        "help",
    }  # fmt: skip


@pytest.mark.parametrize("line", WRONG, ids=str)
def test_a_wrong_command_line_is_refused_with_a_useful_message(line: WrongLine) -> None:
    said = "\n".join(f"{finding.message}\n{finding.hint}" for finding in findings(line))
    assert [part for part in line.says if part not in said] == [], said
    assert {finding.source for finding in findings(line)} == {"sglang/srt/server_args.py"}
    assert all(finding.is_fatal and finding.hint for finding in findings(line))


@pytest.mark.parametrize("release", ["0.5.7", "0.5.14", "0.5.20"])
@pytest.mark.parametrize("words", right_lines(), ids=" ".join)
def test_a_right_one_is_accepted(words: list[str], release: str) -> None:
    assert parse_words(flags_of(release), words).findings == ()


def test_each_wrong_line_has_no_mistake_but_those_that_are_said() -> None:
    """A second finding would be one about nothing: what is wrong is said once."""
    several = {str(line) for line in WRONG if len(findings(line)) > 1}
    assert several == {
        "0.5.7 a/b --tp 8", "0.5.7 --model-path a/b --host -x",
        "0.5.7 --model-path a/b --tp eight --port http --tool-call-parser x --tp-sise 1",
    }  # fmt: skip
