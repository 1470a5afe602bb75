"""docs/recipes.md is true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from helpers.recipes.recipe_texts import write

from m2build.documents.document import MAXIMUM_BYTES, MAXIMUM_VALUES
from m2build.errors import UsageError
from m2build.labels import CLAIMED, OCI
from m2build.layers.members import is_home
from m2build.local.reading import PIPE_SECONDS
from m2build.recipes.load import load_recipe, recipe_names
from m2build.recipes.model import Recipe

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
FLAGS = PAGE[PAGE.index("## Flags") :]
ROWS = re.findall(r"^\| `(.*?)` \| (.*) \|$", FLAGS, re.MULTILINE)
YAML = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def loaded(folder: Path, name: str) -> Recipe:
    """The recipe of that name on the page."""
    (text,) = [text for text in YAML if f"name: {name}\n" in text]
    write(folder, page=text)
    return load_recipe(str(folder / "page.yaml"))


def test_a_profile_on_the_page_starts_from_another(tmp_path: Path) -> None:
    recipe = loaded(tmp_path, "long")
    eight = " ".join(recipe.select(profile="tp8").command)
    words = eight.replace(" --reasoning-parser minimax-append-think", "") + " --context-length 131072"
    assert " ".join(recipe.select(profile="tp8-long").command) == words


def test_the_recipe_with_several_folders_of_sources_is_one(tmp_path: Path) -> None:
    recipe = loaded(tmp_path, "with-aiter")
    assert {name: (root.path, root.marker) for name, root in recipe.roots.items()} == {
        "sglang": ("sgl-workspace/sglang/python", None),
        "aiter": (None, "aiter/__init__.py"),
    }
    assert recipe.series_names == {"sglang": "minimax-m2-rocm", "aiter": f"{tmp_path}/aiter.yaml"}
    assert all(is_home(path) for path in ("sgl-workspace/aiter", "sgl-workspace/sglang/python", "a/dist-packages"))


def test_the_settings_on_the_page_come_together(tmp_path: Path) -> None:
    assert loaded(tmp_path, "ours").select(tp=8).settings.model_dump() == {
        "env": {"HF_HOME": "/models", "NCCL_MIN_NCHANNELS": "112"},
        "labels": {"com.example.team": "serving"},
        "workdir": "/models",
        "user": "1000:1000",
    }


def test_what_the_page_says_of_m2builds_own_keys_is_in_the_code() -> None:
    keys = {key.removeprefix(OCI) for key in CLAIMED}
    assert all(f"`{key}`" in PAGE for key in keys)


def test_the_table_of_recipes_is_that_of_the_files() -> None:
    for name in recipe_names():
        recipe = load_recipe(name)
        (row,) = re.findall(rf"^\| `{re.escape(name)}` \| (.*) \|$", PAGE, re.MULTILINE)
        version = re.search(r"(SGLang|vLLM) [0-9.]+(post[0-9]+)?", recipe.summary)
        assert version
        assert version[0] in row
        assert f"`{recipe.series}`" in row
        assert all(f"--base-version {other}" in row for other in recipe.bases)


def test_the_recipe_on_the_page_is_one(tmp_path: Path) -> None:
    recipe = loaded(tmp_path, "mine")
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
