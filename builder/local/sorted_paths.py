"""`SortedPaths`: an immutable mapping of paths, which source trees, images' files and build contexts are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeVar

Value = TypeVar("Value")


class SortedPaths(Mapping[str, Value]):
    """Values by their paths; immutable, and iterated in sorted order."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        """Keep the values; what becomes of the mapping that was given makes no difference."""
        self._values = dict(values)

    @cached_property
    def _order(self) -> tuple[str, ...]:
        """The paths in sorted order, for the first one who asks: most trees of a series are only looked up in."""
        return tuple(sorted(self._values))

    def __getitem__(self, path: str) -> Value:
        return self._values[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(self._values)
