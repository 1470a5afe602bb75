"""Recipes as texts, for tests that need a valid one to spoil."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

SHIPPED = resources.files("m2build.recipes").joinpath("minimax-m2.yaml").read_text(encoding="utf-8")
"""The shipped recipe: valid, with every kind of key."""


def spoiled(old: str, new: str) -> str:
    """The shipped recipe with the first `old` replaced; it must exist, or the test would check nothing."""
    assert old in SHIPPED, old
    return SHIPPED.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    """The number of the first line that holds `part`."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def write(folder: Path, **texts: str) -> None:
    """Write NAME.yaml for each text."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
