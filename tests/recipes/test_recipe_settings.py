"""Variables, labels, annotations, working directory and user: precedence, refusals, and credentials kept secret."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from helpers.recipes.recipe_texts import write

from m2build.errors import UsageError
from m2build.labels import CLAIMED
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Recipe

SETTINGS = """
extends: minimax-m2
env: {A: recipe, B: recipe, C: recipe, D: recipe}
labels: {com.example.a: recipe, com.example.b: recipe}
annotations: {com.example.a: recipe}
workdir: /recipe
user: app
models:
  minimax-m2.1:
    env: {B: model, C: model, D: model}
    workdir: /model
profiles:
  tp8:
    env: {C: profile, D: profile}
    labels: {com.example.b: profile}
    user: 1000:1001
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    folder = tmp_path_factory.mktemp("settings")
    write(folder, mine=SETTINGS.replace("1000:1001", '"1000:1001"'))
    return load_recipe(str(folder / "mine.yaml"))


def refusal(recipe: Recipe | None = None, *overrides: str, **given: dict[str, str]) -> str:
    with pytest.raises(UsageError) as caught:
        (recipe or load_recipe("minimax-m2", overrides)).select(tp=8, **given)  # type: ignore[arg-type]
    return str(caught.value)


def test_what_is_given_wins_over_profile_over_model_over_recipe(recipe: Recipe) -> None:
    found = recipe.select(tp=8, env={"D": "given", "E": "given"}, labels={"x": "y"}, annotations={"com.example.a": "z"})
    assert found.settings.model_dump() == {
        "env": {"A": "recipe", "B": "model", "C": "profile", "D": "given", "E": "given"},
        "labels": {"com.example.a": "recipe", "com.example.b": "profile", "x": "y"},
        "annotations": {"com.example.a": "z"},
        "workdir": "/model",
        "user": "1000:1001",
    }
    assert list(found.settings.env) == ["A", "B", "C", "D", "E"], "their order is that of the image"
    other = recipe.select(tp=4, model="minimax-m2").settings
    assert (other.env["B"], other.workdir, other.user) == ("recipe", "/recipe", "app")


def test_a_recipe_without_settings_has_none() -> None:
    recipe = load_recipe("minimax-m2")
    assert recipe.select(tp=8).settings.model_dump() == {}
    assert "env" not in recipe.model_dump(mode="json")


def test_null_removes_an_inherited_variable(tmp_path: Path) -> None:
    write(tmp_path, base=SETTINGS.replace("1000:1001", "a:b"), mine="extends: ./base.yaml\nenv: {A: null}\n")
    assert list(load_recipe(str(tmp_path / "mine.yaml")).env) == ["B", "C", "D"]


def test_set_makes_a_setting_where_there_is_none() -> None:
    overrides = ["env.HF_HOME=/models", "profiles.tp8.env.N=8", 'labels."com.example.a"=x', "workdir=/", "user=0"]
    settings = load_recipe("minimax-m2", overrides).select(tp=8).settings
    assert settings.env == {"HF_HOME": "/models", "N": "8"}
    assert (settings.labels, settings.workdir, settings.user) == ({"com.example.a": "x"}, "/", "0")
    with pytest.raises(UsageError, match="there is no key 'B'"):
        load_recipe("minimax-m2", ["env.B=null"])


TAKEN = {
    "workdir": ["/", "/a", "/a b/$c/é", "/opt/x.y"],
    "user": ["app", "_apt", "0", "'1000:0'", "app:staff", "2147483647", "www-data:www-data", "a.b"],
    "env.A": ["", '"a b"', "1", '" trailing "', '"tab\\there"', "'$X \"q\" \\\\n'", "é😀"],
}
REFUSED = {
    "workdir": ["a", '""', "/a/", "/a/../b", "/.", "//a", '"/a\\nb"', '"/a\\tb"', "5"],
    "user": [
        '""',
        "a b",
        ":g",
        "a:",
        "a:b:c",
        "-1",
        "01",
        "'1000 '",
        "2147483648",
        "0:2147483648",
        "$USER",
        "é",
        "1.5",
    ],
    "env.A": [
        '"a\\nb"',
        '"a\\rb"',
        '"\\0"',
        '"\\x7f"',
        '"\\x85"',
        "true",
        "0.5",
        "[a]",
        "{a: b}",
        "x" * 4001,
    ],
    "env": ["{A B: x}", "{1A: x}", "{'': x}", "{A-B: x}", "{A=B: x}", "[A]", "{é: x}"],
    "labels": ["{a b: x}", "{'a=b': x}", "{'': x}", "{-a: x}", "{a.: x}", '{a: "x\\ny"}', "{a: 1}", '{"a\\nb": x}'],
    "annotations": ["{a b: x}", "{'': x}"],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in TAKEN.items() for value in values])
def test_a_value_that_becomes_what_it_says_is_taken(key: str, value: str) -> None:
    settings = load_recipe("minimax-m2", [f"{key}={value}"]).select(tp=8).settings
    expected = yaml.safe_load(value) if value else ""
    assert (settings.env.get("A") if key == "env.A" else getattr(settings, key)) == str(expected)


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in REFUSED.items() for value in values])
def test_a_value_that_it_cannot_become_is_refused(key: str, value: str) -> None:
    assert refusal(None, f"{key}={value}").startswith("--set ")


@pytest.mark.parametrize("kind", ["labels", "annotations"])
@pytest.mark.parametrize("key", [*CLAIMED, "dev.m2build.series", "dev.m2build.anything"])
def test_what_m2build_says_of_an_image_is_said_by_m2build_alone(key: str, kind: str) -> None:
    assert f"{kind}.{key}: m2build itself sets it" in refusal(load_recipe("minimax-m2"), **{kind: {key: "forged"}})
    assert "m2build itself sets it" in refusal(None, f'profiles.tp8.{kind}."{key}"=forged')


def test_other_keys_of_the_oci_vocabulary_are_free() -> None:
    labels = {f"org.opencontainers.image.{key}": "x" for key in ("vendor", "source", "revision", "authors", "licenses")}
    assert load_recipe("minimax-m2").select(tp=8, labels=labels).settings.labels == labels


SECRET = "hf_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0xRab"


@pytest.mark.parametrize("kind", ["env", "labels", "annotations"])
def test_a_credential_is_refused_and_not_repeated(kind: str, tmp_path: Path) -> None:
    told = [refusal(load_recipe("minimax-m2"), **{kind: {"GREETING": SECRET}})]
    told += [refusal(None, f"{kind}.GREETING={SECRET}"), refusal(None, f"{kind}={{GREETING: {SECRET}}}")]
    write(tmp_path, mine=f"extends: minimax-m2\nprofiles:\n  tp8:\n    {kind}:\n      GREETING: {SECRET}\n")
    with pytest.raises(UsageError) as caught:
        load_recipe(str(tmp_path / "mine.yaml"))
    told.append(str(caught.value))
    assert "mine.yaml:5:7: " in told[-1]
    for message in told:
        assert "looks like a credential, as it has the form of a token of Hugging Face" in message
        assert "--env-file" in message
        assert SECRET not in message


def test_variables_that_decide_what_runs_are_known() -> None:
    settings = load_recipe("minimax-m2").select(tp=8, env={"PYTHONPATH": "/x", "A": "", "LD_PRELOAD": "/y"}).settings
    assert settings.changes_code == ("PYTHONPATH", "LD_PRELOAD")
