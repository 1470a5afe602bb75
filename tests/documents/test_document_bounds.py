"""Hostile documents are quick to read, and their problems are short to report."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.documents.hostile_documents import HOSTILE
from helpers.measured import assert_cheap, measured
from helpers.recipes.recipe_texts import write

from m2build.documents.suggest import nearest
from m2build.errors import UsageError
from m2build.recipes.load import load_recipe


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("flags that are none", "more problems"),
        ("aliases", "expands to more than 20000 values"),
        ("tag directives", "tags are not used here"),
        ("a path of many folders", "there is no recipe file"),
    ],
)
def test_hostile_documents_cost_little_and_are_reported_in_few_lines(name: str, says: str, tmp_path: Path) -> None:
    write(tmp_path, mine=HOSTILE[name])
    run = measured("recipe", "show", "--recipe", "./mine.yaml", cwd=tmp_path)
    assert run.code == 2
    assert says in run.stderr
    assert_cheap(run)


def test_long_texts_are_not_compared() -> None:
    """Comparing two takes time in proportion to the product of their lengths."""
    text = "".join(map(chr, range(0x4E00, 0x4E96))) * 4000
    assert nearest(text, [text[1:]]) is None
    assert nearest("a" * 90, [text, "a" * 91]) == "a" * 91


def test_of_many_problems_twenty_are_named_and_the_others_counted(tmp_path: Path) -> None:
    write(tmp_path, mine=HOSTILE["unknown keys"])
    with pytest.raises(UsageError) as caught:
        load_recipe(str(tmp_path / "mine.yaml"))
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[-1].strip() == "… and 18,980 more problems"
