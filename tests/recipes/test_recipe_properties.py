"""For any content of a recipe file, the loader returns a recipe, or an error that names the file."""

from __future__ import annotations

import math
import re
import string
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.recipes.recipe_texts import SHIPPED, line_of
from helpers.support import in_shares
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from m2build.errors import StorageError, UsageError
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Recipe

KEY_LINES = [number for number, line in enumerate(SHIPPED.splitlines()) if re.match(r" *[a-z0-9._-]+:", line)]
FREE = {"tp4", "tp8", "minimax-m2", "minimax-m2.1", "v0.5.9"}
"""Keys that are names given by the recipe's author; any other name would do."""


@pytest.fixture(scope="module")
def file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "mine.yaml"


def answered(name: str, overrides: Sequence[str] = ()) -> Recipe | str:
    """The recipe, or its error; any other exception fails the test."""
    try:
        return load_recipe(name, overrides)
    except (UsageError, StorageError) as error:
        return str(error)


def load(file: Path, content: bytes) -> Recipe | str:
    file.write_bytes(content)
    return answered(str(file))


@in_shares(3)
@given(number=st.sampled_from(KEY_LINES), position=st.integers(0, 30), letter=st.sampled_from(string.ascii_lowercase))
@settings(max_examples=50, deadline=None)
def test_a_letter_that_slips_into_a_key_is_found(
    share: int, file: Path, number: int, position: int, letter: str
) -> None:
    lines = SHIPPED.splitlines()
    line = lines[number]
    indent, key, rest = re.fullmatch(r"( *)([a-z0-9._-]+)(:.*)", line).groups()  # type: ignore[union-attr]
    assume(key not in FREE)
    mistyped = key[: position % (len(key) + 1)] + letter + key[position % (len(key) + 1) :]
    lines[number] = f"{indent}{mistyped}{rest}"
    answer = load(file, "\n".join(lines).encode())
    if isinstance(answer, Recipe):
        # A launch flag is the server's business: any name that has the form of one is passed on.
        assert line_of(SHIPPED, "profiles:") < number
        assert f"--{mistyped}" in "".join(f"--{flag}" for p in answer.profiles.values() for flag in p.flags)
        return
    first = answer.splitlines()[0]
    assert first.startswith(f"{file}:{number + 1}:{len(indent) + 1}: ")
    assert repr(mistyped) in first
    assert f"did you mean {key!r}?" in first or len(key) < 3


@given(content=st.binary(max_size=200))
@example(b"\xff\xfe")
@example(b"!!binary x")
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_answered(file: Path, content: bytes) -> None:
    answer = load(file, content)
    assert isinstance(answer, str)
    assert re.match(rf"{re.escape(str(file))}:\d+:\d+: ", answer)


MARKS = "abé01:-[]{}&*!<>|'\"%@#?,~=. \n\t\0"
WORDS = [
    "\n  ",
    "name: ",
    "- ",
    "&a ",
    "*a",
    "<<: ",
    "extends: ",
    "minimax-m2",
    "!!int ",
    "!!bool ",
    "!!float ",
    "!!null ",
]
SCALARS = ["!mine ", ".nan", "010", "1:20", "0x", "yes", "2026-01-01", "---\n"]
FRAGMENTS = st.sampled_from([*MARKS, *WORDS, *SCALARS])


@given(fragments=st.lists(FRAGMENTS, max_size=12))
@example(["name: ", "!!bool ", "a"])
@in_shares(4)
@settings(max_examples=100, deadline=None)
def test_any_text_of_yamls_own_marks_is_answered(file: Path, share: int, fragments: list[str]) -> None:
    answer = load(file, "".join(fragments).encode())
    if isinstance(answer, Recipe):
        assert "extends: " in fragments
    else:
        assert re.match(rf"{re.escape(str(file))}:\d+:\d+: ", answer)


ODD = st.sampled_from([math.nan, math.inf, "yes", "010", "", "\x85", "2026-01-01", 10**30, -1, 0.0, 1e-5, [], {}])
JSON = st.recursive(
    ODD | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
DOCUMENT = yaml.safe_load(SHIPPED)


def ways(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in the recipe."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*way, key)
            yield from ways(inner, (*way, key))


@in_shares(5)
@given(way=st.sampled_from(sorted(ways(DOCUMENT))), value=JSON)
@settings(max_examples=30, deadline=None)
def test_any_value_in_any_place_is_answered(share: int, file: Path, way: tuple[str, ...], value: Any) -> None:
    document = yaml.safe_load(SHIPPED)
    inner = document
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = value
    answer = load(file, yaml.safe_dump(document, allow_unicode=True).encode())
    if isinstance(answer, str):
        assert re.match(rf"{re.escape(str(file))}:\d+:\d+: ", answer)


@in_shares(5)
@given(override=st.text(max_size=30) | st.from_regex(r"\A[a-z\".]{1,12}=.{0,12}\Z"))
@example("profiles.tp4.flags.port=")
@example("\udcff=\udcff")
@settings(max_examples=30, deadline=None)
def test_any_override_is_answered(share: int, override: str) -> None:
    answer = answered("minimax-m2", [override])
    assert isinstance(answer, Recipe) or answer.startswith("--set")
