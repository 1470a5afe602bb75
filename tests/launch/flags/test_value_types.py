"""Whatever value YAML gives a flag, the server's own parser reads it back, for every type of flag that there is."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.launch.releases import TYPES, flags_of, recorded_parser
from helpers.support import in_shares
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from m2build.launch.check import server_words
from m2build.launch.flags.model import Flag
from m2build.launch.flags.parsing import parse_words
from m2build.recipes.load import load_recipe

RELEASE = "0.5.7"
TAKEN = set(load_recipe("minimax-m2").profiles["tp4"].flags) | {"model-path", "config"}
"""The flags of the recipe that the values are given in."""
PARSER = recorded_parser(RELEASE)
LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=8)
TEXTS = LINE.filter(lambda text: text != "--") | st.sampled_from(
    ["", "-", "-1", "--port", "true", "null", "1e5", "é", "a=b"]
)
ITEMS = LINE.filter(lambda text: not text.startswith("-")) | st.sampled_from(["", "-1", "-.5", "null", "a b"])
INTEGERS = st.integers(-(2**70), 2**70)
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-1e-7, -1e22, -0.0, 5e-324])
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | LINE,
    lambda inner: st.lists(inner) | st.dictionaries(LINE, inner),
    max_leaves=4,
)


def values_of(flag: Flag) -> st.SearchStrategy[tuple[Any, Any]]:
    """What YAML may give a flag, and what the server is to read."""
    if flag.nargs == 0:
        return st.just((True, True))
    if flag.choices is not None:
        one = st.sampled_from([choice for choice in flag.choices if choice is not None]).map(
            lambda value: (value, value)
        )
    else:
        texts = ITEMS if flag.nargs in ("+", "*") else TEXTS
        one = {
            "int": INTEGERS.map(lambda value: (value, value)),
            "float": (FLOATS | INTEGERS).map(lambda value: (value, float(value))),
            "json.loads": JSON.map(lambda value: (json.dumps(value), value)),
        }.get(flag.type or "str", (texts | INTEGERS).map(lambda value: (value, str(value))))
    if flag.nargs not in ("+", "*"):
        return one
    several = st.lists(one, min_size=1, max_size=3)
    return several.map(lambda pairs: ([value for value, _ in pairs], [read for _, read in pairs]))


def flags() -> Iterator[Flag]:
    """The flags of a kind that the judge converts, each under its first name."""
    for flag in flags_of(RELEASE).flags:
        is_free = not TAKEN & {name.removeprefix("--") for name in flag.names}
        if is_free and flag.type in TYPES and flag.action in {"store", "store_true"}:
            yield flag


FLAGS = {flag.names[0]: flag for flag in flags()}


def test_every_kind_of_flag_is_tried() -> None:
    assert {(flag.type, str(flag.nargs), flag.choices is not None) for flag in FLAGS.values()} >= {
        (None, "0", False), ("str", "None", False), ("str", "None", True), ("int", "None", False),
        ("float", "None", False), ("json.loads", "None", False), ("str", "+", False), ("int", "+", False),
        ("str", "*", True), ("float", "?", False), ("int", "None", True),
    }  # fmt: skip
    assert len(FLAGS) > 290


@in_shares(4)
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_server_reads_back_what_the_recipe_says(
    share: int, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chosen = data.draw(st.lists(st.sampled_from([*FLAGS][share::4]), unique=True, min_size=20, max_size=40))
    given = {name: data.draw(values_of(FLAGS[name]), name) for name in chosen}
    flags = {name.removeprefix("--"): value for name, (value, _) in given.items()}
    file: Path = tmp_path_factory.mktemp("recipe") / "mine.yaml"
    document = {"extends": "minimax-m2", "profiles": {"tp4": {"flags": flags}}}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    words = server_words(load_recipe(str(file)).select(profile="tp4").command)
    read = vars(PARSER.parse_args(words))
    ours = parse_words(flags_of(RELEASE), words)
    assert ours.findings == ()
    for name, (_, expected) in given.items():
        dest = FLAGS[name].dest
        assert (repr(read[dest]), repr(ours.values[dest])) == (repr(expected), repr(expected)), shlex.join(words)
