"""A copy of this repository's sources for pip, which leaves files beside what it builds."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NEEDED = ("builder", "patches", "recipes", "pyproject.toml", "README.md", "LICENSE", "Dockerfile.template")


def copy_checkout(folder: Path) -> Path:
    """Copy what a build needs to a new folder, and return that."""
    folder.mkdir(parents=True)
    for name in _NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return folder
