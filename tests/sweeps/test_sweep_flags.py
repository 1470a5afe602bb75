"""Sweep: the launch flags of six releases of SGLang, and command lines, against the real parsers."""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import pytest
from helpers.launch.command_lines import right_lines, wrong_lines
from helpers.launch.releases import ATTRIBUTES, RELEASES, flags_of, pin_of, recorded, recorded_pin, run_real

from m2build.launch.flags.parsing import parse_words

pytestmark = pytest.mark.sweep

LINES = [*right_lines(), *(list(line.words) for line in wrong_lines())]
FLAGS = {"0.5.7": 313, "0.5.13": 406, "0.5.14": 420, "0.5.19": 503, "0.5.20": 494, "0.5.23": 531}
CASES = sum(FLAGS.values()) + len(RELEASES) * len(LINES)


@cache
def styles() -> set[str]:
    return {flags_of(release).style for release in RELEASES}


def test_all_styles_are_tried() -> None:
    assert styles() == {"calls", "fields", "namespaces"}


@pytest.mark.parametrize("release", RELEASES)
def test_the_flags_and_what_is_made_of_command_lines_are_the_real_parsers(release: str, tmp_path: Path) -> None:
    found = run_real(release, tmp_path / "release", LINES)
    assert pin_of(release) == recorded_pin(release)
    assert found["flags"] == recorded(release), "python -m helpers.launch.releases, in tests/, makes the record anew"
    server = flags_of(release)
    real = {tuple(flag["names"]): flag for flag in found["flags"]}
    assert len(real) == FLAGS[release]
    assert {flag.names for flag in server.flags} == real.keys()
    wrong = [
        (flag.names, name, value, real[flag.names][name])
        for flag in server.flags
        for name in ATTRIBUTES
        if name not in flag.unknown and repr(value := as_json(getattr(flag, name))) != repr(real[flag.names][name])
    ]
    assert wrong == []
    for words, values in zip(LINES, found["lines"], strict=True):
        check_line(release, words, values)


def check_line(release: str, words: list[str], values: dict[str, object] | None) -> None:
    """The same command lines are refused; of the others each value that is known is the same."""
    parsed = parse_words(flags_of(release), words)
    if parsed.unjudged:  # what is not looked at is not refused
        return
    assert (values is None) == bool(parsed.findings), (release, words, parsed.findings)
    if values is not None:
        ours = {dest: value for dest, value in parsed.values.items() if value != argparse.SUPPRESS}
        assert {dest: values[dest] for dest in ours} == ours


def as_json(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
