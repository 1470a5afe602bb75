"""What `m2build cache` prints."""

from __future__ import annotations

from typing_extensions import TypedDict


class CacheKind(TypedDict):
    """The entries of one kind.

    Attributes:
        name: The folder that they are in, below the cache.
        holds: What they are.
        entries: How many there are.
        bytes: What they take.
    """

    name: str
    holds: str
    entries: int
    bytes: int


class CacheUsage(TypedDict):
    """What the cache holds.

    Attributes:
        folder: Where it is.
        bound: The bytes that it may have.
        bytes: What all entries take.
    """

    folder: str
    bound: int
    bytes: int
    kinds: list[CacheKind]


class Removed(TypedDict):
    """What was removed."""

    entries: int
    bytes: int


class Pruned(TypedDict):
    """What was removed from the cache, and what it holds now."""

    removed: Removed
    left: CacheUsage
