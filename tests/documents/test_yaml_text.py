"""What is written as YAML is read back the same, by PyYAML (1.1) and by ruamel.yaml (1.2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from m2build.documents.yaml_text import ascii_yaml, yaml_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
WORDS = st.sampled_from(["1e5", "0o17", "010", "yes", "~", "<<", "a\x85", "\x85", "\u2028b", " \u2029 ", "# x", "|"])


@pytest.mark.parametrize("written", [yaml_text, ascii_yaml])
@settings(max_examples=150, deadline=None)
@given(text=TEXTS | WORDS)
@example(text="\x85")
@example(text="a\u2028b")
def test_every_text_survives(written: Callable[[object], str], text: str) -> None:
    document = {text: [text, {"k": text}]}
    said = written(document)
    assert yaml.safe_load(said) == document
    assert YAML(typ="safe", pure=True).load(said) == document


def test_a_value_that_is_there_twice_is_written_twice() -> None:
    values = ["a"]
    assert yaml_text({"one": values, "two": values}) == "one:\n- a\ntwo:\n- a\n"


def test_ascii_is_ascii() -> None:
    assert ascii_yaml({"k": "é\u202e"}).isascii()
