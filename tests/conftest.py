"""Shared fixtures. This file's presence also puts its folder on the import path (`support`, `images`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.patches.tree import SourceTree


@pytest.fixture(scope="session")
def sglang_wheel() -> Path:
    """SGLang 0.5.7's published wheel: fetched once through pip, pinned by its SHA-256, kept in the user's cache."""
    return fetch_wheel("sglang==0.5.7")


@pytest.fixture(scope="session")
def sglang_tree(sglang_wheel: Path) -> SourceTree:
    """SGLang 0.5.7's sources."""
    return from_wheel(sglang_wheel)
