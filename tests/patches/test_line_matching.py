"""The longest common runs of lines are those of the standard library's `difflib`, so diffs are the same to the byte."""

from __future__ import annotations

import difflib
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.patches.matching import LineMatcher

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n"]), max_size=16)


def edited(lines: list[bytes], seed: int) -> list[bytes]:
    """Lines after some small edits at random places."""
    chosen, found = random.Random(seed), list(lines)  # noqa: S311 - seeded
    for _ in range(chosen.randrange(4)):
        start = chosen.randrange(len(found) + 1)
        found[start : start + chosen.randrange(3)] = [b"x\n"] * chosen.randrange(3)
    return found


def check(before: list[bytes], after: list[bytes]) -> None:
    ours, theirs = LineMatcher(before, after), difflib.SequenceMatcher(None, before, after, autojunk=False)
    assert ours.get_opcodes() == theirs.get_opcodes()
    for start_a in range(0, len(before) + 1, 5):
        for start_b in range(0, len(after) + 1, 5):
            part = start_a, len(before) - start_a % 2, start_b, len(after) - start_b % 2
            assert ours.find_longest_match(*part) == theirs.find_longest_match(*part), part


@settings(max_examples=60, deadline=None)
@given(LINES, LINES)
def test_runs_of_any_lines_are_those_of_difflib(before: list[bytes], after: list[bytes]) -> None:
    check(before, after)


@settings(max_examples=60, deadline=None)
@given(LINES, st.integers(0, 1000))
def test_runs_of_edited_lines_are_those_of_difflib(before: list[bytes], seed: int) -> None:
    check(before, edited(before, seed))
