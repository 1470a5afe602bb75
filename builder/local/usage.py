"""How much a cache holds, and making it smaller."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from m2build.errors import UsageError
from m2build.local.cache import cache_bound, cache_folder
from m2build.local.stored import KINDS, entries, make_room
from m2build.local.temporary import remove_leftovers

if TYPE_CHECKING:
    from m2build import printed


@dataclass(frozen=True)
class CacheKind:
    """The entries of one kind.

    Attributes:
        name: the folder that they are in, below the cache.
        holds: what they are.
        entries: how many there are.
        bytes: what they take.
    """

    name: str
    holds: str
    entries: int
    bytes: int

    def document(self) -> printed.CacheKind:
        """The entries as JSON."""
        return {"name": self.name, "holds": self.holds, "entries": self.entries, "bytes": self.bytes}


@dataclass(frozen=True)
class CacheUsage:
    """What a cache holds.

    Attributes:
        folder: where it is.
        bound: the bytes that it may have; beyond that, m2build removes what was unused longest.
        kinds: its entries, by kind.
    """

    folder: Path
    bound: int
    kinds: tuple[CacheKind, ...]

    @property
    def bytes(self) -> int:
        """What all entries take."""
        return sum(kind.bytes for kind in self.kinds)

    def document(self) -> printed.CacheUsage:
        """The usage as JSON."""
        kinds = [kind.document() for kind in self.kinds]
        return {"folder": str(self.folder), "bound": self.bound, "bytes": self.bytes, "kinds": kinds}


@dataclass(frozen=True)
class Pruned:
    """What was removed from a cache.

    Attributes:
        entries: how many entries.
        bytes: what they took.
        left: what the cache holds now.
    """

    entries: int
    bytes: int
    left: CacheUsage

    def document(self) -> printed.Pruned:
        """The result as JSON."""
        return {"removed": {"entries": self.entries, "bytes": self.bytes}, "left": self.left.document()}


def cache_usage() -> CacheUsage:
    """What the cache holds.

    Raises:
        UsageError: `M2BUILD_CACHE_SIZE` is not a size.
    """
    root = cache_folder()
    found = entries(root)
    by_kind = {name: [entry.size for entry in found if entry.kind == name] for name in KINDS}
    kinds = tuple(CacheKind(name, KINDS[name], len(sizes), sum(sizes)) for name, sizes in by_kind.items())
    return CacheUsage(root, cache_bound(), kinds)


def prune_cache(largest: int | None = None) -> Pruned:
    """Make the cache smaller: what was unused longest goes first. Safe while other processes use it.

    A release that was used in the last hour stays: a process may be about to open it.

    Args:
        largest: the bytes that may stay; None for the bound that always holds.

    Raises:
        UsageError: the size is negative, or `M2BUILD_CACHE_SIZE` is not one.
    """
    if largest is not None and largest < 0:
        raise UsageError(f"a cache cannot have {largest} bytes", hint="0 removes all that can be removed")
    root = cache_folder()
    removed = make_room(root, 0, cache_bound() if largest is None else largest)
    for kind in KINDS:
        remove_leftovers(root / kind)
    return Pruned(len(removed), sum(entry.size for entry in removed), cache_usage())
