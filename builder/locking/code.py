"""The code of a patch's codemod, by digest, without importing it, which takes time."""

from __future__ import annotations

import hashlib
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from m2build.patches.distributions import GROUP, LIBCST
from m2build.patches.patch import Patch


def code_digest(patch: Patch) -> str | None:
    """The SHA-256 of the Python file that defines a patch's codemod; None if there is no such file.

    What that file imports is not looked at: the digests of the changed files show what the code does.
    """
    module = _module_of(patch)
    try:
        spec = find_spec(module) if module else None
    except (ImportError, ValueError):  # ValueError: a module made by hand, as in a notebook
        return None
    if spec is None or not spec.origin or not Path(spec.origin).is_file():
        return None
    return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()


def _module_of(patch: Patch) -> str | None:
    if patch.codemod.startswith(LIBCST):
        return patch.codemod.removeprefix(LIBCST).rpartition(".")[0]
    if patch.value is not None:
        return type(patch.value).__module__
    return next((entry.module for entry in entry_points(group=GROUP) if entry.name == patch.codemod), None)
