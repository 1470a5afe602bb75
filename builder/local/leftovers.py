"""Where m2build works for a time: places in which a killed run can have left something, whatever it was to write."""

from __future__ import annotations

from m2build.local.cache import cache_folder
from m2build.local.temporary import remove_leftovers


def remove_all_leftovers() -> None:
    """Remove what dead processes of ours left in `TMPDIR` and in the cache; beside outputs that is done with each."""
    remove_leftovers()
    for folder in cache_folder().glob("*"):
        remove_leftovers(folder)
