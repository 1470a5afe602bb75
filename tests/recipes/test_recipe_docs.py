"""docs/recipes.md is true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from helpers.recipes.recipe_texts import write

from m2build.documents.document import MAXIMUM_BYTES, MAXIMUM_VALUES
from m2build.errors import UsageError
from m2build.local.reading import PIPE_SECONDS
from m2build.recipes.load import load_recipe

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(.*?)` \| (.*) \|$", PAGE, re.MULTILINE)


def test_the_recipe_on_the_page_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    write(tmp_path, mine=text)
    recipe = load_recipe(str(tmp_path / "mine.yaml"))
    assert list(recipe.profiles) == ["tp8"]
    words = " ".join(recipe.select(profile="tp8").command)
    assert words.endswith("--mem-fraction-static 0.85 --dp-size 1 --enable-metrics --cuda-graph-bs 1 2 4")
    assert "--reasoning-parser" not in words


@pytest.mark.parametrize(("value", "says"), ROWS)
def test_a_flags_value_does_what_the_table_says(value: str, says: str) -> None:
    override = f"profiles.tp8.flags.x={value}"
    if not says.startswith("`--x"):
        assert "refused" in says
        with pytest.raises(UsageError):
            load_recipe("minimax-m2", [override])
        return
    command = load_recipe("minimax-m2", [override]).select(profile="tp8").command
    assert shlex.join(command).endswith(f" {says.strip('`')}")


def test_the_bounds_on_the_page_are_those_of_the_code() -> None:
    assert len(ROWS) >= 18
    text = " ".join(PAGE.split())
    assert f"at most {MAXIMUM_BYTES:,} bytes and {MAXIMUM_VALUES:,} values" in text
    assert f"that end within {PIPE_SECONDS:.0f} seconds" in text
