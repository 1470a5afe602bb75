"""Profiles that start from another profile of their recipe, or of the one that it extends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from m2build.documents.document import MAXIMUM_VALUES
from m2build.documents.placed import Document
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError
from m2build.recipes.variation import merged

_LONGEST_CHAIN = 8
"""Profiles that extend each other."""


def extended(below: Document | None, above: Document) -> Document:
    """A recipe above the one that it extends, if there is one, with every profile written out.

    A profile with `extends: ID` starts from that profile instead of the profile of its own name below. What it starts
    from is that profile as it stands here: a recipe that changes it later changes nothing else.

    Raises:
        UsageError: a profile extends one that does not exist, profiles extend each other in a circle or in too long a
            chain, or null removes a key that does not exist.
    """
    theirs, ours = _profiles(below), _profiles(above)
    written = _Profiles(theirs, ours).written()
    if not written:
        return merged(below, above) if below else above
    above = _with_profiles(above, ours | written)
    if below is None:
        return above
    return merged(_with_profiles(below, {name: one for name, one in theirs.items() if name not in written}), above)


@dataclass
class _Profiles:
    """The profiles of a recipe, and of the one that it extends.

    Attributes:
        theirs: those below, written out.
        ours: those above, as they are written.
    """

    theirs: Mapping[str, Document]
    ours: Mapping[str, Document]
    _done: dict[str, Document] = field(default_factory=dict)
    _depths: dict[str, int] = field(default_factory=dict)
    _values: int = 0

    def written(self) -> dict[str, Document]:
        """The profiles with `extends:`, without it."""
        return {name: self._profile(name, ()) for name, one in self.ours.items() if one.inner("extends")}

    def _profile(self, name: str, seen: tuple[str, ...]) -> Document:
        if name not in self._done:
            self._done[name] = self._made(name, seen)
            self._values += self._done[name].count
            if self._values > 2 * MAXIMUM_VALUES:
                raise UsageError(f"{self._done[name].position}: the profiles have more than {MAXIMUM_VALUES} values")
        return self._done[name]

    def _made(self, name: str, seen: tuple[str, ...]) -> Document:
        own = self.ours.get(name)
        if own is None:
            return self.theirs[name]
        parent = own.inner("extends")
        if parent is None or not isinstance(own.value, dict):
            return merged(self.theirs[name], own) if name in self.theirs else own
        chain = (*seen, name)
        known = [other for other in {**self.theirs, **self.ours} if not self._is_removed(other)]
        if not isinstance(parent.value, str):
            raise UsageError(f"{parent.position}: extends takes a profile's id")
        if parent.value in chain:
            circle = " -> ".join([*chain[chain.index(parent.value) :], parent.value])
            raise UsageError(
                f"{parent.position}: the profiles extend each other in a circle: {circle}",
                hint="remove one of these `extends:`",
            )
        if parent.value not in known:
            raise UsageError(
                f"{parent.position}: there is no profile {did_you_mean(parent.value, known)}",
                hint=f"it can extend: {', '.join(other for other in known if other != name) or 'none'}",
            )
        too_long = UsageError(
            f"{parent.position}: more than {_LONGEST_CHAIN} profiles extend each other", hint="merge some of them"
        )
        if len(chain) > _LONGEST_CHAIN:
            raise too_long
        start = self._profile(parent.value, chain)
        self._depths[name] = 1 + self._depths.get(parent.value, 0)
        if self._depths[name] > _LONGEST_CHAIN:
            raise too_long
        rest = {key: value for key, value in own.value.items() if key != "extends"}
        return merged(start, Document(own.position, rest))

    def _is_removed(self, name: str) -> bool:
        return name in self.ours and self.ours[name].value is None


def _profiles(recipe: Document | None) -> dict[str, Document]:
    found = recipe.inner("profiles") if recipe else None
    return found.value if found and isinstance(found.value, dict) else {}


def _with_profiles(recipe: Document, profiles: dict[str, Document]) -> Document:
    found = recipe.inner("profiles")
    if found is None or not isinstance(recipe.value, dict):
        return recipe
    return Document(recipe.position, {**recipe.value, "profiles": Document(found.position, profiles)})
