"""Values that know their position, for messages that point at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from m2build.documents.scalars import Scalar


@dataclass(frozen=True, slots=True)
class Position:
    """Where something is.

    Attributes:
        source: a file, or whatever else a message begins with.
        line: counted from 1; 0 for a source without lines.
        column: counted from 1.
    """

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Document:
    """A value and its position: a whole document, or a part of one.

    Attributes:
        position: that of its key; in a list, its own.
        value: a scalar, or more values.
    """

    position: Position
    value: Scalar | list[Document] | dict[str, Document]

    @property
    def data(self) -> JsonValue:
        """The value alone: dictionaries, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: inner.data for key, inner in self.value.items()}
        if isinstance(self.value, list):
            return [inner.data for inner in self.value]
        return self.value

    @property
    def count(self) -> int:
        """How many values it contains, itself included."""
        if isinstance(self.value, dict):
            return 1 + sum(inner.count for inner in self.value.values())
        return 1 + sum(inner.count for inner in self.value) if isinstance(self.value, list) else 1

    def along(self, keys: Iterable[str | int]) -> Iterator[tuple[str | int, Document]]:
        """The values along a path of keys and list positions; those that do not exist are skipped."""
        found = self
        for key in keys:
            if (inner := found.inner(key)) is not None:
                found = inner
                yield key, found

    def inner(self, key: str | int) -> Document | None:
        """The value of a key, or at a position in a list, or None."""
        if isinstance(self.value, dict):
            return self.value.get(key) if isinstance(key, str) else None
        if isinstance(self.value, list) and isinstance(key, int):
            return self.value[key] if key < len(self.value) else None
        return None
