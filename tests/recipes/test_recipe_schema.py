"""The JSON Schema of recipes: current, and it agrees with the loader, so that editors report what m2build reports."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from helpers.commands import succeeds
from helpers.recipes.mistakes import STRUCTURE
from helpers.recipes.recipe_texts import SHIPPED, write

from m2build.errors import UsageError
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Recipe

# What a schema cannot say, or says otherwise: 4.0 is an integer to JSON Schema.
ONLY_THE_LOADER = {
    "fraction for a count", "model twice", "default model unknown", "source root with dots", "short for the model",
    "short for the port", "port in the command",
}  # fmt: skip


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(Recipe.schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_file_is_what_the_models_say() -> None:
    """After a change: `m2build recipe schema > recipes/recipe.schema.json`."""
    stored = resources.files("m2build.recipes").joinpath("recipe.schema.json").read_text(encoding="utf-8")
    assert stored == Recipe.schema_text()
    assert succeeds("recipe", "schema") == stored


def test_the_shipped_recipe_names_the_schema_and_fits_it(validator: Any) -> None:
    assert SHIPPED.startswith("# yaml-language-server: $schema=recipe.schema.json\n")
    validator.validate(yaml.safe_load(SHIPPED))


@pytest.mark.parametrize("mistake", sorted(STRUCTURE.keys() - ONLY_THE_LOADER))
def test_what_the_loader_refuses_the_schema_refuses(validator: Any, mistake: str) -> None:
    assert not validator.is_valid(yaml.safe_load(STRUCTURE[mistake][0]))


@pytest.mark.parametrize("mistake", sorted(ONLY_THE_LOADER))
def test_the_schemas_blind_spots_are_known(validator: Any, mistake: str) -> None:
    """If one of these fails, the schema has become better: take it off the list."""
    assert validator.is_valid(yaml.safe_load(STRUCTURE[mistake][0]))


VARIATIONS = [
    "extends: minimax-m2\n",
    "extends: minimax-m2\nprofiles:\n  tp8:\n    flags: {port: 9000}\n",
    "extends: minimax-m2\nprofiles: {tp4: null}\n",
    "extends: minimax-m2\nprofiles:\n  tp4:\n    flags: {reasoning-parser: null}\nhealth: {retries: 9}\n",
    "extends: minimax-m2\nbase: {image: docker.io/mine/sglang:1}\n",
]


@pytest.mark.parametrize("text", VARIATIONS)
def test_a_variation_fits_too(validator: Any, text: str, tmp_path: Path) -> None:
    write(tmp_path, mine=text)
    assert load_recipe(str(tmp_path / "mine.yaml")).name == "minimax-m2"
    validator.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        "extends: 5\n",
        "extends: null\n",
        "extends: minimax-m2\nsumary: x\n",
        "extends: minimax-m2\nprofiles:\n  tp8:\n    flag: {port: 9000}\n",
        "extends: minimax-m2\nprofiles:\n  tp8:\n    flags: {--port: 9000}\n",
        "extends: minimax-m2\nhealth: {timeout: 5}\n",
        "name: x\n",
    ],
)
def test_a_spoiled_variation_does_not(validator: Any, text: str) -> None:
    assert not validator.is_valid(yaml.safe_load(text))


def refused_for(document: object, folder: Path) -> str:
    """Why the loader refuses a recipe; empty if it does not."""
    write(folder, mine=yaml.safe_dump(document))
    try:
        load_recipe(str(folder / "mine.yaml"))
    except UsageError as error:
        return str(error)
    return ""


SOURCES = {"app": {"root": "/a", "series": "sglang-stock"}}
AUTO = {"app": {"root": "auto", "marker": "app/__init__.py", "series": "sglang-stock"}}


@pytest.mark.parametrize("root", ["/a", None, ...], ids=["root", "null root", "no root"])
@pytest.mark.parametrize("series", ["sglang-stock", None, ...], ids=["series", "null series", "no series"])
@pytest.mark.parametrize(
    "sources",
    [
        ..., {}, SOURCES, AUTO, {"app": {**SOURCES["app"], "marker": "x"}}, {"app": {**SOURCES["app"], "marker": None}},
        {"app": {"root": "auto", "series": "sglang-stock"}}, {"app": {**AUTO["app"], "marker": None}},
    ],
    ids=["none", "empty", "named", "auto", "named and marked", "null marker", "auto unmarked", "auto, null marker"],
)  # fmt: skip
def test_the_schema_and_the_loader_agree_on_folders_of_sources(
    validator: Any, root: Any, series: Any, sources: Any, tmp_path: Path
) -> None:
    document = yaml.safe_load(SHIPPED)
    for part, key, value in ((document["base"], "source_root", root), (document, "series", series)):
        part.pop(key)
        part.update({} if value is ... else {key: value})
    document |= {} if sources is ... else {"sources": sources}
    document.pop("bases", None)
    refusal = refused_for(document, tmp_path)
    assert validator.is_valid(document) == (not refusal), refusal


FLAG_VALUES = [
    True, False, None, 0, 1, 1.0, -1, -0.5, 10**30, 1e22, "", "a", "-", "--", "-x", "--x", "-1", "a b", "a\nb", "\t",
    [], [1], [1, "a"], ["-1"], ["-.5"], ["-"], ["-x"], ["--"], ["-1e-7"], ["", "a"], [True], [None], [[1]], {},
    {"a": 1}, "1", 65535, 65536, "8000",
]  # fmt: skip


@pytest.mark.parametrize("flag", ["x", "port"])
@pytest.mark.parametrize("value", FLAG_VALUES, ids=repr)
def test_the_schema_and_the_loader_agree_on_a_flag(validator: Any, value: object, flag: str, tmp_path: Path) -> None:
    if (flag, value) == ("port", 1.0):
        return  # an integer to JSON Schema
    document = {"extends": "minimax-m2", "profiles": {"tp4": {"flags": {flag: value}}}}
    refusal = refused_for(document, tmp_path)
    # In a variation null removes a key, and the schema cannot know which keys there are.
    assert validator.is_valid(document) == (not refusal or value is None), refusal


@pytest.mark.parametrize("key", ["interval", "timeout", "start_period", "retries"])
def test_the_schema_and_the_loader_agree_on_bounds(validator: Any, key: str) -> None:
    for value in (-1, 0, 1, 21, 22, 60, 61, 2**31 - 1, 2**31, 9223372036, 9223372037, 10**30, True, "30", 0.5):
        document = {"extends": "minimax-m2", "health": {key: value}}
        is_taken = True
        try:
            load_recipe("minimax-m2", [f"health.{key}={json.dumps(value)}"])
        except UsageError:
            is_taken = False
        assert validator.is_valid(document) == is_taken, value
