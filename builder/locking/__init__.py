"""Locks: the digests that images rest on, for people to review, and images made from them without reading layers.

Example:
    >>> from tempfile import TemporaryDirectory
    >>> import m2build
    >>> from m2build import locking
    >>> recipe = m2build.load_recipe("minimax-m2")
    >>> lock = m2build.lock([recipe.select(tp=8)], "pypi:sglang==0.5.7")
    >>> with TemporaryDirectory() as folder:
    ...     locking.write_lock(lock, f"{folder}/m2build.lock")
    ...     locking.load_lock(f"{folder}/m2build.lock") == lock
    True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.locking.comparing import Difference
    from m2build.locking.files import load_lock, write_lock
    from m2build.locking.model import Lock

_HOMES = {
    "Difference": "m2build.locking.comparing",
    "Lock": "m2build.locking.model",
    "load_lock": "m2build.locking.files",
    "write_lock": "m2build.locking.files",
}
"""Where each name is defined."""

__all__ = ["Difference", "Lock", "load_lock", "write_lock"]


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
