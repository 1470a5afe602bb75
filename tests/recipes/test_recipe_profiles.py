"""Profiles that start from another one: `extends:` in a profile."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from helpers.documents.hostile_documents import many
from helpers.recipes.recipe_texts import SHIPPED, write

from m2build.errors import UsageError
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Recipe


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(here: Path, profiles: str, *overrides: str, name: str = "mine", extends: str = "minimax-m2") -> Recipe:
    write(here, **{name: f"extends: {extends}\nprofiles:\n{profiles}"})
    return load_recipe(f"./{name}.yaml", overrides)


def command(recipe: Recipe, profile: str) -> str:
    return " ".join(recipe.select(profile=profile).command)


def problem(here: Path, profiles: str) -> str:
    with pytest.raises(UsageError) as caught:
        loaded(here, profiles)
    return str(caught.value)


def test_a_profile_says_only_what_differs(here: Path) -> None:
    recipe = loaded(
        here,
        "  long: {extends: tp8, env: {A: '1'}, flags: {context-length: 131072, reasoning-parser: null, port: 9000}}\n"
        "  longer: {extends: long, summary: Longer, env: {B: '2'}, flags: {context-length: 262144}}\n",
    )
    eight = command(recipe, "tp8").replace(" --reasoning-parser minimax-append-think", "")
    expected = eight.replace("--port 8000", "--port 9000") + " --context-length 131072"
    assert command(recipe, "long") == expected
    assert command(recipe, "longer") == expected.replace("131072", "262144")
    assert recipe.profiles["longer"].env == {"A": "1", "B": "2"}
    assert (recipe.profiles["long"].summary, recipe.profiles["longer"].summary) == (
        "Tensor and expert parallel on 8 GPUs",
        "Longer",
    )
    assert list(recipe.profiles) == ["tp4", "tp8", "long", "longer"]


def test_it_works_without_extending_a_recipe_and_in_any_order(here: Path) -> None:
    write(here, mine=SHIPPED.replace("profiles:\n", "profiles:\n  first: {extends: tp4, flags: {port: 1}}\n", 1))
    recipe = load_recipe("./mine.yaml")
    assert command(recipe, "first") == command(recipe, "tp4").replace("8000", "1")


def test_it_starts_from_the_other_one_instead_of_its_namesake(here: Path) -> None:
    recipe = loaded(here, "  tp8: {extends: tp4, gpus: 8, flags: {tp-size: 8, ep-size: 8}}\n")
    assert command(recipe, "tp8") == command(recipe, "tp4").replace("tp-size 4", "tp-size 8") + " --ep-size 8"


def test_what_it_starts_from_is_as_it_stands_in_this_recipe(here: Path) -> None:
    recipe = loaded(here, "  tp4: {flags: {port: 9000}}\n  more: {extends: tp4, flags: {enable-metrics: true}}\n")
    assert command(recipe, "more") == command(recipe, "tp4") + " --enable-metrics"
    assert recipe.profiles["more"].port == 9000
    child = loaded(here, "  tp4: null\n  more: {flags: {port: 9001}}\n", name="child", extends="./mine.yaml")
    assert command(child, "more") == command(recipe, "more").replace("9000", "9001")
    assert "tp4" not in child.profiles
    changed = load_recipe("./mine.yaml", ["profiles.tp4.flags.port=5"])
    assert (changed.profiles["tp4"].port, changed.profiles["more"].port) == (5, 9000)


def test_set_extends_a_profile_too(here: Path) -> None:
    recipe = loaded(here, "  tp4: {}\n", "profiles.more={extends: tp4, flags: {port: 7}}")
    assert command(recipe, "more") == command(recipe, "tp4").replace("8000", "7")


MISTAKES = {
    "  a: {extends: tp44}\n": "mine.yaml:3:7: there is no profile 'tp44'; did you mean 'tp4'?",
    "  tp4: null\n  a: {extends: tp4}\n": "mine.yaml:4:7: there is no profile 'tp4'; did you mean 'tp8'?",
    "  a: {extends: a}\n": "mine.yaml:3:7: the profiles extend each other in a circle: a -> a",
    "  a: {extends: b}\n  b: {extends: c}\n  c: {extends: b}\n": "in a circle: b -> c -> b",
    "  a: {extends: 4}\n": "mine.yaml:3:7: extends takes a profile's id",
    "  a: {extends: [tp4]}\n": "extends takes a profile's id",
    "  a: {extends: tp4, flags: {por: null}}\n": "mine.yaml:3:29: there is no key to remove 'por'; did you",
    "  a: {extends: tp4, flag: {port: 1}}\n": "unknown key 'flag'; did you mean 'flags'?",
    "  a: {extends: tp4, flags: {port: 0}}\n": "mine.yaml:3:29: profiles.a.flags.port: the port 0 is not",
}


@pytest.mark.parametrize("profiles", MISTAKES)
def test_a_mistake_is_named_with_its_place(profiles: str, here: Path) -> None:
    assert MISTAKES[profiles] in problem(here, profiles)


def test_a_chain_is_bounded_and_so_is_the_sum(here: Path) -> None:
    chain = "  c0: {extends: tp4}\n" + "".join(f"  c{n}: {{extends: c{n - 1}}}\n" for n in range(1, 8))
    assert "c7" in loaded(here, chain).profiles
    assert "more than 8 profiles extend each other" in problem(here, f"{chain}  c8: {{extends: c7}}\n")
    backwards = "".join(f"{line}\n" for line in chain.splitlines()[::-1])
    assert "more than 8 profiles extend each other" in problem(here, f"{backwards}  c8: {{extends: c7}}\n")
    wide = f"  w: {{extends: tp4, flags: {{{many('f{}: 1,', 9_000)}}}}}\n"
    assert "values" in problem(here, wide + "".join(f"  x{number}: {{extends: w}}\n" for number in range(900)))


@pytest.mark.parametrize("profiles", ["  a: {extends: tp4}\n", "  a: {extends: tp4, flags: {port: null, x: 1}}\n"])
def test_the_schema_takes_it_in_full_recipes_and_in_variations(profiles: str, here: Path) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(Recipe.schema_text()))
    validator.validate(yaml.safe_load(f"extends: minimax-m2\nprofiles:\n{profiles}"))
    validator.validate(yaml.safe_load(SHIPPED.replace("profiles:\n", f"profiles:\n{profiles}", 1)))
    for spoiled in ("  a: {extend: tp4}\n", "  a: {extends: 4}\n", "  a: {extends: tp4, flag: {}}\n"):
        assert not validator.is_valid(yaml.safe_load(SHIPPED.replace("profiles:\n", f"profiles:\n{spoiled}", 1)))
