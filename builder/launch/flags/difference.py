"""How the flags of two releases differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.launch.flags.model import Flag

if TYPE_CHECKING:
    from m2build import printed


@dataclass(frozen=True)
class Change:
    """What is different of one flag.

    Attributes:
        flag: the flag in the newer release.
        differences: what is different, one phrase each: `default: 1 -> 2`.
    """

    flag: Flag
    differences: tuple[str, ...]


@dataclass(frozen=True)
class FlagDifference:
    """How the flags of two servers differ.

    Attributes:
        added: flags of the newer one alone.
        removed: flags of the older one alone.
        changed: flags that share a name, and differ otherwise.
    """

    added: tuple[Flag, ...]
    removed: tuple[Flag, ...]
    changed: tuple[Change, ...]

    def document(self) -> printed.FlagDifference:
        """The difference as JSON."""
        return {
            "added": [flag.document() for flag in self.added],
            "removed": [flag.document() for flag in self.removed],
            "changed": [{"name": one.flag.names[0], "differences": list(one.differences)} for one in self.changed],
        }


def difference(older: Sequence[Flag], newer: Sequence[Flag]) -> FlagDifference:
    """How flags differ; neither the order of names nor the help counts.

    >>> before, after = Flag(("--a",), "a", default=1), Flag(("--a",), "a", default=2)
    >>> [change.differences for change in difference([before], [after]).changed]
    [('default: 1 -> 2',)]
    """
    old_names = {name: flag for flag in older for name in flag.names}
    new_names = {name for flag in newer for name in flag.names}
    added, changed = [], []
    for flag in newer:
        before = next((old_names[name] for name in flag.names if name in old_names), None)
        if before is None:
            added.append(flag)
        elif differences := tuple(_differences(before, flag)):
            changed.append(Change(flag, differences))
    removed = [flag for flag in older if not new_names & set(flag.names)]
    return FlagDifference(tuple(added), tuple(removed), tuple(changed))


def _differences(before: Flag, after: Flag) -> Iterator[str]:
    yield from _of_sets("name", before.names, after.names)
    if before.choices is not None and after.choices is not None:
        yield from _of_sets("choice", list(map(str, before.choices)), list(map(str, after.choices)))
    elif before.takes != after.takes:
        yield f"takes: {before.takes or 'no value'} -> {after.takes or 'no value'}"
    if before.default_text != after.default_text:
        yield f"default: {before.default_text} -> {after.default_text}"
    if before.required != after.required:
        yield "required" if after.required else "no longer required"
    if before.retired != after.retired:
        yield f"refused: {after.retired}" if after.retired else "no longer refused"


def _of_sets(what: str, before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    for word, items in (("without", set(before) - set(after)), ("with", set(after) - set(before))):
        if items:
            yield f"{word} the {what}{'s' * (len(items) > 1)} {', '.join(sorted(items))}"
