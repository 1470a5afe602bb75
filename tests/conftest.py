"""Shared fixtures. Helpers are in `helpers/`, which mirrors the rooms; of them, `choosing.py` says which tests run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.patches.tree import SourceTree

pytest_plugins = [
    "helpers.choosing",
    "helpers.engines.engine_fixtures",
    "helpers.registry.registry_fixtures",
    "helpers.sweeps.kill_fixtures",
]

# Progress would stand before the errors and warnings that tests look at; those that are about it set it themselves.
os.environ["M2BUILD_PROGRESS"] = "quiet"


@pytest.fixture(scope="session")
def sglang_wheel() -> Path:
    """SGLang 0.5.7's published wheel: fetched once through pip, pinned by its SHA-256, kept in the user's cache."""
    return fetch_wheel("sglang==0.5.7")


@pytest.fixture(scope="session")
def sglang_tree(sglang_wheel: Path) -> SourceTree:
    """SGLang 0.5.7's sources."""
    return from_wheel(sglang_wheel)
