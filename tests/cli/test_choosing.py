"""Options that choose several images at once: what they make, in which order, and what is refused."""

from __future__ import annotations

import shlex

import click
import pytest
from click.testing import CliRunner

from m2build.cli.choosing import choosing_many, chosen_all
from m2build.errors import UsageError
from m2build.recipes.load import load_recipe

RECIPE = load_recipe("minimax-m2")


def pairs(*, tps: tuple[int, ...] = (), profiles: tuple[str, ...] = (), models: tuple[str, ...] = ()) -> list[str]:
    selections = chosen_all(RECIPE, tps=tps, profiles=profiles, models=models)
    return [f"{selection.model_id}:{selection.profile_id}" for selection in selections]


def test_the_order_is_that_of_the_options_and_profiles_come_first() -> None:
    assert pairs(tps=(8, 4)) == ["minimax-m2.1:tp8", "minimax-m2.1:tp4"]
    assert pairs(profiles=("tp4",)) == ["minimax-m2.1:tp4"]
    both = ("minimax-m2", "minimax-m2.1")
    expected = ["minimax-m2:tp4", "minimax-m2:tp8", "minimax-m2.1:tp4", "minimax-m2.1:tp8"]
    assert pairs(tps=(4, 8), models=both) == pairs(profiles=("tp4", "tp8"), models=both) == expected


def test_one_of_each_is_what_the_single_options_make() -> None:
    (several,) = chosen_all(RECIPE, tps=(8,), profiles=(), models=("minimax-m2",))
    assert several == RECIPE.select(tp=8, model="minimax-m2") == RECIPE.select(profile="tp8", model="minimax-m2")


@pytest.mark.parametrize(
    ("tps", "profiles", "models", "message"),
    [
        ((), (), (), "say which profile to use"),
        ((), (), ("minimax-m2",), "say which profile to use"),
        ((4,), ("tp8",), (), "tp and profile exclude each other"),
        ((4, 8, 4), (), (), "--tp 4 is given twice"),
        ((), ("tp8", "tp8"), (), "--profile tp8 is given twice"),
        ((8,), (), ("minimax-m2", "minimax-m2"), "--model minimax-m2 is given twice"),
        ((8, 3), (), (), "has no profile with tensor parallel size 3"),
        ((), ("tp8", "tp44"), (), "has no profile 'tp44'; did you mean 'tp4'?"),
        ((8,), (), ("minimax-m3",), "has no model 'minimax-m3'; did you mean"),
    ],
)
def test_what_does_not_fit_is_refused(
    tps: tuple[int, ...], profiles: tuple[str, ...], models: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        pairs(tps=tps, profiles=profiles, models=models)
    assert message in str(caught.value)
    assert caught.value.hint


def test_a_command_gets_all_values_in_their_order() -> None:
    @click.command()
    @choosing_many
    def command(**options: object) -> None:
        found.update(options)

    found: dict[str, object] = {}
    words = shlex.split("--model b --tp 8 --profile y --set k=v --tp 4 --model a --profile x --recipe r")
    command.main(words, standalone_mode=False)
    assert found == {
        "recipe_name": "r", "tps": (8, 4), "profiles": ("y", "x"), "models": ("b", "a"), "overrides": ("k=v",)
    }  # fmt: skip
    assert CliRunner().invoke(command, ["--help"]).stdout.count("Repeatable.") == 4
