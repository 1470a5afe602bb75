"""The folders in which a killed run may have left something, whatever it was to write."""

from __future__ import annotations

from contextlib import suppress

from m2build.local.cache import cache_folder
from m2build.local.temporary import remove_leftovers


def remove_all_leftovers() -> None:
    """Remove what killed runs left in `TMPDIR` and in the cache; beside an output, writing that output does it."""
    remove_leftovers()
    with suppress(OSError):  # a cache that cannot be read is none
        for folder in cache_folder().glob("*"):
            remove_leftovers(folder)
