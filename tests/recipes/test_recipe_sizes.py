"""`--tp` selects by the size that a profile passes to the server: a real argparse reads it from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import pytest
from helpers.commands import refused

from m2build.errors import UsageError
from m2build.recipes.load import load_recipe

SIZE = "profiles.tp8.flags.tp-size"


def sglangs(words: Sequence[str]) -> int | None:
    """What SGLang's argparse would read: its options that begin with a t (sglang 0.5.7, server_args.py)."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--tensor-parallel-size", "--tp-size", type=int, default=1)
    for option in ("--tokenizer-path", "--tokenizer-mode", "--tool-call-parser", "--port", "--model-path"):
        parser.add_argument(option)
    parser.add_argument("--trust-remote-code", action="store_true")
    try:
        size = parser.parse_known_args(words)[0].tensor_parallel_size
    except argparse.ArgumentError:
        return None
    assert isinstance(size, int)
    return size


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        [f"{SIZE}=4"],
        [f"{SIZE}='4'"],
        [f"{SIZE}=[4]"],
        [f"{SIZE}='1_6'"],
        [f"{SIZE}=-4"],
        [f"{SIZE}=4.0"],
        [f"{SIZE}=four"],
        [f"{SIZE}=true"],
        [f"{SIZE}=null"],
        ["profiles.tp8.flags.tp=2"],
        ["profiles.tp8.flags.tensor-parallel-size=2"],
        ["profiles.tp8.flags.tensor-par=2"],
        ["profiles.tp8.flags.te=2"],
        [f"{SIZE}=null", "profiles.tp8.flags.tp=2"],
        [f"{SIZE}=null", "profiles.tp8.flags.tool-call-parser=--tp-size"],
        [f"{SIZE}=null", "launch.command=[serve, --tp-size, '16']"],
        [f"{SIZE}=null", "launch.command=[serve, --tensor-parallel-size=16]"],
        ["launch.command=[serve, --tp=16]"],
    ],
)
def test_the_size_is_the_one_that_argparse_reads(overrides: list[str]) -> None:
    recipe = load_recipe("minimax-m2", overrides)
    expected = sglangs(recipe.select(profile="tp8").command)
    assert recipe.tensor_parallel_sizes == {"tp4": sglangs(recipe.select(profile="tp4").command), "tp8": expected}
    if expected not in (None, recipe.tensor_parallel_sizes["tp4"]):
        assert recipe.select(tp=expected).profile_id == "tp8"


def test_the_id_of_the_profile_does_not_matter() -> None:
    recipe = load_recipe("minimax-m2", [f"{SIZE}=4", "profiles.tp4.flags.tp-size=8"])
    assert [recipe.select(tp=tp).profile_id for tp in (4, 8)] == ["tp8", "tp4"]


def refusal(tp: int | None, profile: str | None, *overrides: str) -> tuple[str, str | None]:
    with pytest.raises(UsageError) as caught:
        load_recipe("minimax-m2", overrides).select(tp=tp, profile=profile)
    return caught.value.message, caught.value.hint


def test_a_size_that_no_profile_has_is_refused_with_the_sizes_that_exist() -> None:
    assert refusal(8, None, f"{SIZE}=16") == (
        "the recipe minimax-m2 has no profile with tensor parallel size 8",
        "it has: tp4 (tensor parallel size 4), tp8 (tensor parallel size 16)",
    )
    _, hint = refusal(8, None, f"{SIZE}=x")
    assert hint == "it has: tp4 (tensor parallel size 4), tp8 (tensor parallel size unknown)"


def test_a_size_that_several_profiles_have_is_refused_with_their_ids() -> None:
    assert refusal(4, None, f"{SIZE}=4") == (
        "the recipe minimax-m2 has several profiles with tensor parallel size 4: tp4, tp8",
        "choose one by its id, as in --profile tp4",
    )


@pytest.mark.parametrize(
    ("tp", "profile", "message"),
    [(None, None, "say which profile to use"), (8, "tp8", "tp and profile exclude each other")],
)
def test_exactly_one_of_size_and_id_is_given(tp: int | None, profile: str | None, message: str) -> None:
    hint = "the recipe minimax-m2 has: tp4 (tensor parallel size 4), tp8 (tensor parallel size 8)"
    assert refusal(tp, profile) == (message, hint)


@pytest.mark.parametrize("command", [["image", "--dry-run"], ["recipe", "show"]])
def test_commands_refuse_a_size_that_the_profile_named_after_it_does_not_have(command: list[str]) -> None:
    story = refused(2, *command, "--tp", "8", "--set", f"{SIZE}=4")
    assert "has no profile with tensor parallel size 8" in story
    assert "tp4 (tensor parallel size 4), tp8 (tensor parallel size 4)" in story
