"""docs/launch.md and docs/doctor.md: their examples in Python, and that each rule and check is described."""

from __future__ import annotations

import re

import pytest
from helpers.snippets import DOCS, run_snippets

import m2build
from m2build.launch.facts import facts

ROW = re.compile(r"^\| `([a-z0-9-]+)` \|", re.MULTILINE)
SHAPES = {"gpus", "heads", "kv-heads", "k-norm", "experts", "expert-block", "attention-block"}
WARNINGS = {"expert-padding", "expert-spread", "memory-fraction"}


def rows(page: str) -> set[str]:
    return set(ROW.findall((DOCS / page).read_text(encoding="utf-8")))


@pytest.mark.parametrize(("page", "count"), [("launch.md", 2), ("doctor.md", 1)])
def test_the_examples_print_what_the_page_says(page: str, count: int) -> None:
    found = list(run_snippets(page))
    assert [printed for _, printed in found] == [expected for expected, _ in found]
    assert len(found) == count


def test_every_rule_has_a_row() -> None:
    assert rows("launch.md") == SHAPES | WARNINGS | {rule.id for rule in facts().rules}


def test_every_check_of_the_doctor_has_a_row() -> None:
    found = m2build.doctor(m2build.load_recipe("minimax-m2").select(tp=4))
    assert rows("doctor.md") == {diagnosis.check for diagnosis in found}
