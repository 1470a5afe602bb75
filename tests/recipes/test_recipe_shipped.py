"""The recipe that comes with m2build: its command lines are those of the published instructions, flag for flag."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import BaseModel, ValidationError

from m2build.errors import UsageError
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Recipe

# The two launch commands as the MiniMax-M2 page for AMD GPUs prints them, section 3.2.4, without its line breaks.
TP4 = [
    "python3", "-m", "sglang.launch_server",
    "--model-path", "MiniMaxAI/MiniMax-M2.1",
    "--tp-size", "4",
    "--tool-call-parser", "minimax-m2",
    "--reasoning-parser", "minimax-append-think",
    "--host", "0.0.0.0",  # noqa: S104 - as the page has it
    "--trust-remote-code",
    "--port", "8000",
    "--mem-fraction-static", "0.85",
]  # fmt: skip
TP8 = [
    "python3", "-m", "sglang.launch_server",
    "--model-path", "MiniMaxAI/MiniMax-M2.1",
    "--tp-size", "8",
    "--ep-size", "8",
    "--tool-call-parser", "minimax-m2",
    "--trust-remote-code",
    "--host", "0.0.0.0",  # noqa: S104 - as the page has it
    "--reasoning-parser", "minimax-append-think",
    "--port", "8000",
    "--mem-fraction-static", "0.85",
]  # fmt: skip


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe("minimax-m2")


@pytest.mark.parametrize(("profile", "tokens"), [("tp4", TP4), ("tp8", TP8)])
def test_the_command_line_is_the_documents_flag_for_flag(recipe: Recipe, profile: str, tokens: list[str]) -> None:
    assert list(recipe.select(profile=profile).command) == tokens


@pytest.mark.parametrize(("profile", "tokens"), [("tp4", TP4), ("tp8", TP8)])
def test_the_other_model_changes_the_models_name_and_nothing_else(
    recipe: Recipe, profile: str, tokens: list[str]
) -> None:
    """The page: "You only need to change the model name during deployment"."""
    expected = ["MiniMaxAI/MiniMax-M2" if token == "MiniMaxAI/MiniMax-M2.1" else token for token in tokens]
    assert list(recipe.select(profile=profile, model="minimax-m2").command) == expected


def test_it_derives_from_the_documents_image(recipe: Recipe) -> None:
    assert recipe.base.image == "docker.io/lmsysorg/sglang:v0.5.7-rocm700-mi30x"
    assert recipe.base.source_root == "/sgl-workspace/sglang/python"
    assert (recipe.series, recipe.default_model) == ("minimax-m2-rocm", "minimax-m2.1")
    assert {name: profile.gpus for name, profile in recipe.profiles.items()} == {"tp4": 4, "tp8": 8}


def test_the_health_check_waits_for_a_healthy_server(recipe: Recipe) -> None:
    """/health may take 21 s while the server is busy, and answers 503 until 230 GB of weights are there."""
    assert 25 <= recipe.health.timeout <= 30
    assert recipe.health.start_period >= 1800


def test_a_selection_has_port_and_title(recipe: Recipe) -> None:
    selection = recipe.select(profile="tp8", model="minimax-m2")
    assert (selection.port, selection.title) == (8000, "MiniMax-M2, tp8")


@pytest.mark.parametrize(
    ("profile", "model", "problem"),
    [
        ("tp5", None, "no profile 'tp5'; did you mean 'tp"),
        ("", None, "no profile ''"),
        ("tp4", "minimax-m3", "no model 'minimax-m3'; did you mean 'minimax-m2'?"),
        ("tp4", "", "no model ''"),
    ],
)
def test_what_is_not_in_it_is_refused_with_the_nearest(
    recipe: Recipe, profile: str, model: str | None, problem: str
) -> None:
    with pytest.raises(UsageError) as caught:
        recipe.select(profile=profile, model=model)
    assert problem in str(caught.value)
    assert "it has: " in (caught.value.hint or "")


def parts(value: BaseModel) -> list[BaseModel]:
    """A model and every model in it."""
    found = [value]
    for inner in dict(value).values():
        for part in inner.values() if isinstance(inner, dict) else [inner]:
            found += parts(part) if isinstance(part, BaseModel) else []
    return found


def test_nothing_in_a_recipe_can_be_assigned(recipe: Recipe) -> None:
    everything = parts(recipe)
    assert {type(part).__name__ for part in everything} == {
        "Recipe", "BaseImage", "BaseVersion", "Launch", "Health", "Model", "Profile",
    }  # fmt: skip
    for part in everything:
        for name in type(part).model_fields:
            with pytest.raises(ValidationError, match="frozen"):
                setattr(part, name, None)


def test_a_selection_cannot_be_assigned_either(recipe: Recipe) -> None:
    selection = recipe.select(profile="tp4")
    for field in dataclasses.fields(selection):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(selection, field.name, None)
