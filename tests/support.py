"""What several test modules need."""

from __future__ import annotations

import os
import shutil

import pytest


def need_tool(name: str) -> str:
    """The path of someone else's tool. Where it is missing, a test is skipped; in CI it fails."""
    path = shutil.which(name)
    if path is not None:
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing")
    pytest.skip(f"{name} is not installed")
