"""Recipes as text: the resolved one as YAML, and a starter for one's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from helpers.commands import m2build, refused, succeeds
from helpers.recipes.recipe_texts import SHIPPED, write
from helpers.support import in_shares
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from m2build.errors import UsageError
from m2build.recipes.load import load_recipe, recipe_names
from m2build.recipes.model import Recipe

SCHEMA = jsonschema.Draft202012Validator(json.loads(Recipe.schema_text()))


def again(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe, read from its own YAML."""
    (folder / "again.yaml").write_text(recipe.yaml(), encoding="utf-8")
    return load_recipe(str(folder / "again.yaml"))


@pytest.mark.parametrize("name", recipe_names())
def test_a_shipped_recipe_as_yaml_is_the_same_recipe(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert again(recipe, tmp_path) == recipe
    assert yaml.safe_load(recipe.yaml()) == recipe.model_dump(mode="json")
    SCHEMA.validate(yaml.safe_load(recipe.yaml()))


WORDS = st.sampled_from([
    "yes", "on", "010", "1:20", "0x10", "1e5", "1_000", "2026-01-01", "null", "~", "<<", "=", "-", "# x", "a: b", "- a",
    "'", '"', "\\", " a ", "é字😀", "\u2028", "\ufeff", "\x7f", "%TAG", "---", "&a", "*a", "!x", "|", ">", "x" * 300,
])  # fmt: skip
TEXTS = (WORDS | st.text(max_size=8)).filter(lambda text: text not in ("", "--") and not re.search(r"[\0\r\n]", text))
VALUES = TEXTS | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.just(True)  # noqa: FBT003 - a switch


@in_shares(5)
@given(value=VALUES, word=TEXTS)
@example(value=1e-7, word="a\tb")
@example(value=10**300, word="\u2029")
@example(value="\x85", word="a\x85b")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_recipe_as_yaml_is_the_same_recipe(share: int, value: object, word: str, tmp_path: Path) -> None:
    document = yaml.safe_load(SHIPPED)
    document["profiles"]["tp8"]["flags"]["x"] = value
    document["launch"]["command"].append(word)
    document["env"] = {"A": word}
    try:
        recipe = Recipe.model_validate_json(json.dumps(document))
    except ValueError:
        return
    found = again(recipe, tmp_path)
    assert found == recipe
    assert found.select(tp=8).command == recipe.select(tp=8).command


def test_what_is_extended_is_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, mine="extends: minimax-m2\nname: mine\nenv: {A: '1'}\nprofiles: {b: {extends: tp4, user: '5'}}\n")
    (tmp_path / "out.yaml").write_text(succeeds("recipe", "show", "--recipe", "mine.yaml", "--yaml", cwd=tmp_path))
    assert "extends" not in (tmp_path / "out.yaml").read_text()
    assert load_recipe("out.yaml") == load_recipe("mine.yaml")


@pytest.mark.parametrize("words", [["--json"], ["--tp", "8"], ["--model", "minimax-m2"]])
def test_yaml_is_of_whole_recipes(words: list[str]) -> None:
    assert "--yaml prints a whole recipe" in refused(2, "recipe", "show", "--yaml", *words)


@pytest.mark.parametrize("start", recipe_names())
def test_a_starter_is_a_recipe_as_it_is_and_with_all_that_it_offers(start: str, tmp_path: Path) -> None:
    text = load_recipe(start).starter("mine")
    (tmp_path / "mine.yaml").write_text(text)
    parent, recipe = load_recipe(start), load_recipe(str(tmp_path / "mine.yaml"))
    assert recipe == parent.model_copy(update={"name": "mine"})
    (tmp_path / "all.yaml").write_text(offered := re.sub(r"^#(?! \S|     \S)", "", text, flags=re.MULTILINE))
    full = load_recipe(str(tmp_path / "all.yaml"))
    assert len(full.profiles) == len(parent.profiles) + 1
    assert full.env
    assert [profile.port for profile in full.profiles.values()][-1] == 9000
    SCHEMA.validate(yaml.safe_load(offered))


def test_a_starter_finds_its_start_from_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "link").symlink_to("deep")
    succeeds("recipe", "new", "team", cwd=tmp_path)
    for file in ("a/night.yaml", "link/night.yaml", "night.yaml"):
        assert succeeds("recipe", "new", "night", "--from", "./team.yaml", "-o", file, cwd=tmp_path) == f"{file}\n"
        assert load_recipe(str(tmp_path / file)).name == "night"


def test_new_never_overwrites_and_writes_to_stdout_too(tmp_path: Path) -> None:
    assert succeeds("recipe", "new", "mine", cwd=tmp_path) == "mine.yaml\n"
    text = (tmp_path / "mine.yaml").read_text()
    assert succeeds("recipe", "new", "mine", "-o", "-", cwd=tmp_path) == text
    (tmp_path / "mine.yaml").write_text("mine")
    assert "mine.yaml exists already" in refused(2, "recipe", "new", "mine", cwd=tmp_path)
    (tmp_path / "link.yaml").symlink_to("mine.yaml")
    assert "link.yaml exists already" in refused(2, "recipe", "new", "x", "-o", "link.yaml", cwd=tmp_path)
    assert (tmp_path / "mine.yaml").read_text() == "mine"
    assert m2build("recipe", "new", "x", "-o", "/proc/x/y.yaml", cwd=tmp_path).returncode == 16


@pytest.mark.parametrize("name", ["", "A", "a b", "-x", "a/b", "ä", "a" * 81, "a."])
def test_a_name_that_no_recipe_can_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a recipe's name"):
        load_recipe("minimax-m2").starter(name)


def test_an_unknown_start_is_refused(tmp_path: Path) -> None:
    assert "no recipe 'minimax-m'; did you mean" in refused(
        2, "recipe", "new", "x", "--from", "minimax-m", cwd=tmp_path
    )
    assert list(tmp_path.iterdir()) == []
