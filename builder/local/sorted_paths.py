"""`SortedPaths`: an immutable mapping of paths, which source trees, images' files and build contexts are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from operator import lt
from types import MappingProxyType
from typing import TypeVar

Value = TypeVar("Value")


class SortedPaths(Mapping[str, Value]):
    """Values by their paths; immutable, and iterated in sorted order."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        """Keep the values; what becomes of the mapping that was given makes no difference."""
        is_sorted = all(map(lt, values, islice(values, 1, None)))
        self._values = MappingProxyType(dict(values) if is_sorted else {path: values[path] for path in sorted(values)})

    def __getitem__(self, path: str) -> Value:
        return self._values[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
