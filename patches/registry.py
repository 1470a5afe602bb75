"""The codemods that are installed, by name: m2build's and others', through the entry-point group `m2build.codemods`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TypeGuard

from m2build.errors import PatchError
from m2build.patches.change import Codemod
from m2build.patches.distributions import GROUP, distribution_of, top


class InstalledCodemods(Mapping[str, type[Codemod]]):
    """The registered codemod classes by their names. Each is loaded only when it is used, and then once."""

    def __init__(self) -> None:
        self._loaded: dict[str, type[Codemod]] = {}

    @cached_property
    def _entries(self) -> tuple[EntryPoint, ...]:
        return tuple(entry_points(group=GROUP))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(entry.name for entry in self._entries))

    def __len__(self) -> int:
        return len(set(self))

    def __contains__(self, name: object) -> bool:
        return any(entry.name == name for entry in self._entries)

    def __getitem__(self, name: str) -> type[Codemod]:
        """Load a codemod.

        Raises:
            KeyError: none is registered by that name.
            PatchError: it cannot be loaded, is not a codemod, or two share the name.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> type[Codemod]:
        entries = [entry for entry in self._entries if entry.name == name]
        if not entries:
            raise KeyError(name)
        loaded = [_load(entry) for entry in entries]
        if any(codemod is not loaded[0] for codemod in loaded):
            both = " and ".join(sorted(_distribution(entry) for entry in entries))
            raise PatchError(f"two codemods are registered as {name!r}", hint=f"uninstall one of {both}")
        return loaded[0]

    def name_of(self, codemod: type[Codemod]) -> str | None:
        """The name that a class is registered by, or None. Only entry points of the class's own package are loaded."""
        package = top(codemod.__module__)
        for name in dict.fromkeys(entry.name for entry in self._entries if top(entry.module) == package):
            with suppress(PatchError):
                if self[name] is codemod:
                    return name
        return None


def load_codemods() -> InstalledCodemods:
    """Every registered codemod class by its name, to be loaded when a series names it."""
    return InstalledCodemods()


def _load(entry: EntryPoint) -> type[Codemod]:
    try:
        loaded: object = entry.load()
    except (Exception, SystemExit) as error:
        raise _faulty(entry, f"cannot be loaded: {error!r}") from error
    if not _is_codemod(loaded):
        raise _faulty(entry, "is not a dataclass with an apply method")
    return loaded


def _faulty(entry: EntryPoint, problem: str) -> PatchError:
    return PatchError(
        f"the codemod {entry.name!r} ({entry.value}) {problem}",
        hint=f"fix or uninstall {_distribution(entry)}, which registers it under {GROUP}",
    )


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else distribution_of(entry.module)


def _is_codemod(loaded: object) -> TypeGuard[type[Codemod]]:
    return isinstance(loaded, type) and dataclasses.is_dataclass(loaded) and hasattr(loaded, "apply")
