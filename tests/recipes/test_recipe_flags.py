"""A flag keeps the value that the recipe gives it, whatever its kind: a real argparse reads it back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import yaml
from helpers.recipes.servers_argparse import read_back
from helpers.support import in_shares
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from m2build.errors import UsageError
from m2build.patches.registry import load_codemods
from m2build.patches.series import Series
from m2build.recipes.flags import FlagValue
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Recipe

TRICKY = [
    "", "-", "--", "-1", "-1.5", "-.5", "-1e-7", "--port", "--port=1", "-x", "-a b", "a b", "a=b", "=", "1", "1.0",
    "true", "null", "01", "1e5", "inf", "nan", "@file", "'", '"', "$(id)", "\\", "#", "é", "😀", "\t", "\x7f",
    "—dash", "[1, 2]", "{}",
]  # fmt: skip
TEXTS = st.sampled_from(TRICKY) | st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=8)
NUMBERS = st.sampled_from([0, 1, -1, 1.0, 0.0, -0.0, -1.0, 10**30, -(10**30), 1e22, 1e-7, -1e22, -1e-7, 5e-324]) | (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = (
    st.sampled_from([True]) | TEXTS | NUMBERS | st.lists(TEXTS, min_size=1, max_size=4) | st.lists(NUMBERS, min_size=1)
)


@pytest.fixture(scope="module")
def file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "mine.yaml"


def cannot_be_said(value: object) -> bool:
    """What argparse would read as an option, or drop."""
    items = value if isinstance(value, list) else []
    return value == "--" or any(isinstance(item, str) and item.startswith("-") for item in items)


@in_shares(5)
@settings(max_examples=80, deadline=None, derandomize=True)
@given(value=VALUES, flag=st.sampled_from(["x", "tp", "mem-fraction", "served-model-name"]))
@example(value=1, flag="dp-size")
@example(value=1.0, flag="dp-size")
@example(value=True, flag="enable-x")
@example(value=["-1", "-"], flag="x")
@example(value=[-1e-7, -1e22], flag="x")
def test_argparse_reads_back_what_the_recipe_says(share: int, value: Any, flag: str, file: Path) -> None:
    document = {"extends": "minimax-m2", "profiles": {"tp4": {"flags": {flag: value}}}}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    refusal, command = "", tuple[str, ...]()
    try:
        command = load_recipe(str(file)).select(profile="tp4").command
    except UsageError as error:
        refusal = str(error)
    if refusal:
        not_yaml = "is not allowed" in refusal or "is not a valid value" in refusal
        assert cannot_be_said(value) or not_yaml, refusal
        return
    read = read_back(command, flag, value)
    assert (read, type(read)) == (value, type(value))


SET: dict[str, object] = {
    "1": 1, "1.0": 1.0, "0": 0, "-1": -1, "true": True, "'1'": "1", '"01"': "01", "'true'": "true", "0.85": 0.85,
    "[1]": [1], "[1, 2]": [1, 2], "[0.5, 1.0]": [0.5, 1.0], "": "", "a": "a", "-x": "-x", "--port": "--port",
    "'-1'": "-1", "1e5": "1e5", "[]": None, "[true]": None, "false": None, "01": None, "yes": None, ".inf": None,
    "{a: 1}": None, "[[1]]": None, "--": None, "[a, -x]": None, "[a, --]": None, "[null]": None,
}  # fmt: skip
"""VALUE of `--set …=VALUE` -> what the server reads, or None if it is refused."""


@pytest.mark.parametrize("text", SET)
@pytest.mark.parametrize("flag", ["dp-size", "ep-size"])
def test_set_gives_the_value_that_it_says(text: str, flag: str) -> None:
    value, overrides = SET[text], [f"profiles.tp8.flags.{flag}={text}"]
    if value is None:
        with pytest.raises(UsageError):
            load_recipe("minimax-m2", overrides)
        return
    read = read_back(load_recipe("minimax-m2", overrides).select(profile="tp8").command, flag, value)
    assert (read, type(read)) == (value, type(value))


def test_null_removes_a_flag_and_false_says_what_to_do() -> None:
    flag = "profiles.tp8.flags.trust-remote-code"
    command = load_recipe("minimax-m2", [f"{flag}=null"]).select(profile="tp8").command
    assert read_back(command, "trust-remote-code", value=True) is False
    with pytest.raises(UsageError, match="leave it out, or remove an inherited one with null"):
        load_recipe("minimax-m2", [f"{flag}=false"])


@pytest.mark.parametrize("text", ["1.0", "'8000'", "true", "[8000]", "0", "-1", "65536", "1" * 400, "", "{}"])
def test_a_port_is_a_whole_number_of_16_bits(text: str) -> None:
    with pytest.raises(UsageError, match="port"):
        load_recipe("minimax-m2", [f"profiles.tp8.flags.port={text}"])


@pytest.mark.parametrize("port", [1, 2, 65535])
def test_the_least_port_is_a_port_and_no_switch(port: int) -> None:
    selection = load_recipe("minimax-m2", [f"profiles.tp8.flags.port={port}"]).select(profile="tp8")
    assert (selection.port, read_back(selection.command, "port", port)) == (port, port)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("profiles.tp8.flags.model=a/b", "set by models and --model, as --model-path"),
        ("profiles.tp8.flags.model-path=a/b", "set by models and --model, as --model-path"),
        ("profiles.tp8.flags.por=1", "argparse reads --por as --port"),
        ("profiles.tp8.flags.tp_size=1", "flags.tp_size: String should match"),
        ("launch.command=[python3, -m, x, --port, '1']", "'--port' sets --port, which belongs in models or"),
        ("launch.command=[python3, -m, x, --model-path=a/b]", "'--model-path=a/b' sets --model-path"),
        ("launch.command=[python3, -m, x, --model, a/b]", "'--model' sets --model-path"),
    ],
)
def test_what_has_its_own_place_is_not_given_a_second_time(override: str, says: str) -> None:
    with pytest.raises(UsageError, match=r"^--set ") as caught:
        load_recipe("minimax-m2", [override])
    assert says in str(caught.value)


def kinds_in(kind: Any, seen: set[Any]) -> Iterator[Any]:
    """Every type that stands in a model or a dataclass, however deep."""
    if kind in seen:
        return
    seen.add(kind)
    yield kind
    inner = [*get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        inner = [field.annotation for field in kind.model_fields.values()]
    for one in inner:
        if isinstance(one, type) or get_args(one):
            yield from kinds_in(one, seen)


def test_no_literal_can_take_another_kind_of_value() -> None:
    """To pydantic a literal is what is equal to it, as 1 and 1.0 are to True; between texts nothing is confused."""
    kinds: list[Any] = [Recipe, Series, FlagValue]
    kinds += [hint for codemod in load_codemods().values() for hint in get_type_hints(codemod).values()]
    seen: set[Any] = set()
    found = [kind for root in kinds for kind in kinds_in(root, seen) if get_origin(kind) is Literal]
    assert len(found) >= 3
    assert [kind for kind in found if any(type(value) is not str for value in get_args(kind))] == []
