"""Two locks compared key by key, as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from m2build.errors import BaseChangedError, M2BuildError, PatchError

_MOST_SHOWN = 10
"""Differences in a message; the others are counted."""
_OF_SOME = ("images", "footing")
"""What a lock may have more of than is derived now: one image of several, and what only the others build on."""


@dataclass(frozen=True)
class Difference:
    """One key with two values.

    Attributes:
        way: the keys that lead to it.
        locked: its value in the lock; None if it is missing there.
        found: its value now; None if there is none.
    """

    way: tuple[str, ...]
    locked: JsonValue
    found: JsonValue

    def __str__(self) -> str:
        return f"{self.key} is {self.values}"

    @property
    def key(self) -> str:
        """The way as one word: `base.digest`."""
        return ".".join(self.way)

    @property
    def values(self) -> str:
        """What it is, and what it is in the lock."""
        return f"{_shown(self.found)}; locked: {_shown(self.locked)}"

    @property
    def is_of_the_base(self) -> bool:
        """Whether another base is the reason."""
        return self.way[0] == "base"

    @property
    def is_of_the_sources(self) -> bool:
        """Whether the base's content, or what becomes of it, is not what the lock says."""
        match self.way:
            case ("sources", _, "published"):
                return False  # it says where the same bytes can be had, too
            case ("sources" | "footing" | "hidden", *_) | ("images", _, "unmade", *_):
                return True
        return False


def between(locked: JsonValue, found: JsonValue) -> tuple[Difference, ...]:
    """The keys in which two locks, or the same parts of them, differ; what only the first has of images is not one."""
    return tuple(_between(locked, found, ()))


def refusal(differing: Sequence[Difference]) -> M2BuildError:
    """The error for differences from a lock, one at least: of the base if one is of the base, else of the patches."""
    base = [one for one in differing if one.is_of_the_base]
    first, *others = [*base, *(one for one in differing if not one.is_of_the_base)]
    details = [str(one) for one in others[:_MOST_SHOWN]]
    if len(others) > len(details):
        details.append(f"… and {len(others) - len(details)} more differences")
    kind = BaseChangedError if base else PatchError
    return kind(
        f"the lock does not describe this image: {first}",
        hint="review the change, then run `m2build lock --update` with the same options and commit the lock",
        details=details,
    )


def _between(locked: JsonValue, found: JsonValue, way: tuple[str, ...]) -> Iterator[Difference]:
    if isinstance(locked, dict) and isinstance(found, dict):
        is_of_some = way[:1] and way[0] in _OF_SOME and len(way) == 1
        for key in (*found, *(key for key in locked if key not in found and not is_of_some)):
            if key == "layer" and key not in found:
                continue  # an engine's store does not show it
            if (*way, key) == ("base", "mirror"):
                continue  # it says where the same bytes can be had, too
            yield from _between(locked.get(key), found.get(key), (*way, key))
        if way and way[-1] == "patches" and locked.keys() == found.keys() and list(locked) != list(found):
            yield Difference(way, list(locked), list(found))
    elif isinstance(locked, list) and isinstance(found, list) and len(locked) == len(found):
        for number, (one, other) in enumerate(zip(locked, found, strict=True)):
            name = one.get("path") if isinstance(one, dict) else None
            yield from _between(one, other, (*way, str(name or number)))
    elif locked != found:
        yield Difference(way, locked, found)


def _shown(value: JsonValue) -> str:
    if value is None:
        return "missing"
    if isinstance(value, dict):
        return "there"
    return f"[{', '.join(map(_shown, value))}]" if isinstance(value, list) else str(value)
