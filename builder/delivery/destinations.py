"""Where derived images go, and under which names: decided before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.delivery.destination import NAMED, Destination, default_reference
from m2build.delivery.naming import check_name, fields_of, filled
from m2build.errors import UsageError
from m2build.oci.reference import parse_reference
from m2build.places.place import SOURCES, Place, PlaceKind

if TYPE_CHECKING:
    from m2build.recipes.model import Selection

Values = Callable[["Selection"], Mapping[str, str | None]]
"""What stands in an image's name for each field."""


@dataclass(frozen=True)
class Destinations:
    """Where the images of one call go, and what they are called: `-o`, `-t`, `--push`, `--load` and `--replace`.

    Attributes:
        output: a place, as for `Session.deliver`; None for where the names and the engine say.
        names: each image gets each of them, `NAME[:TAG]`; without a tag, the tag is the profile's id. Fields in braces
            give several images names of their own: `{base_tag}`, `{model}`, `{profile}` and `{series}`.
        push: whether they are names in registries, and the images go there.
        load: whether the images stay in the store of the container engine that builds them.
        replace: whether an existing archive, or a tag of a layout that names another image, may be replaced.
    """

    output: str | None = None
    names: Sequence[str] = ()
    push: bool = False
    load: bool = False
    replace: bool = False

    @property
    def is_explicit(self) -> bool:
        """Whether they name a place."""
        return self.output is not None or self.push


@dataclass(frozen=True)
class Goal:
    """What `Destinations` say, checked as far as it can be before images and engine are known.

    Attributes:
        place: the explicit place, or None; that of the first name, if they are names in registries.
        references: names with or without tags and fields.
        is_kept: whether the image stays in the store of the container engine that builds it.
    """

    place: Place | None
    references: Sequence[str] = ()
    is_kept: bool = False

    def of(
        self, selections: Sequence[Selection], store: PlaceKind | None, values: Values
    ) -> list[tuple[Selection, Destination]]:
        """Each image with each of its destinations: all of the first image, then those of the next.

        Args:
            selections: the images.
            store: the image store of the engine that builds, used without an explicit place; None for a layout in the
                working directory.
            values: what stands in an image's name for each field.

        Raises:
            UsageError: two would go to one place under one name, or a field has no value.
        """
        found = [(selection, to) for selection in selections for to in self._of_one(selection, store, values)]
        slots = [to.slot for _, to in found]
        for number, (_, to) in enumerate(found):
            if to.slot in slots[:number]:
                raise UsageError(f"{to.place} can hold one image of that name, not several", hint=self._way_out(found))
        return found

    def _way_out(self, found: Sequence[tuple[Selection, Destination]]) -> str:
        if len(found) == len(self.references):
            return "give each name once, and write to a registry or a layout"
        return "write to a registry or a layout, and leave out the tag or tell them apart: -t NAME:{model}-{profile}"

    def _of_one(self, selection: Selection, store: PlaceKind | None, values: Values) -> Iterator[Destination]:
        needed = any(fields_of(reference) for reference in self.references)
        known = values(selection) if needed else {}
        for reference in self.references or (None,):
            name, _, tag = default_reference(selection).rpartition(":")
            if reference is not None:
                name = filled(reference, known)
                if given := parse_reference(name).tag:
                    name, tag = name.removesuffix(f":{given}"), given
            yield Destination(self._place(name, tag, store), name, tag)

    def _place(self, name: str, tag: str, store: PlaceKind | None) -> Place:
        if self.place is not None and self.place.kind not in NAMED:
            return self.place
        kind = self.place.kind if self.place else store
        return Place(kind, f"{name}:{tag}") if kind else Place(PlaceKind.OCI, f"{name.rpartition('/')[2]}.oci")


def parse_goal(to: Destinations) -> Goal:
    """What destinations say.

    Raises:
        UsageError: they exclude each other, a name is not one, or the place cannot be written.
    """
    choices = (("--output", to.output), ("--push", to.push), ("--load", to.load))
    given = [option for option, is_given in choices if is_given]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other", hint="an image goes to one place at a time")
    for name in to.names:
        check_name(name)
    if to.push:
        if not to.names:
            raise UsageError("--push needs a name", hint="give one, as in -t REGISTRY/NAME:TAG --push")
        return Goal(Place(PlaceKind.REGISTRY, to.names[0]), to.names)
    place = Place.parse(to.output) if to.output else None
    if place is not None and place.digest is not None:
        raise UsageError(f"{place} names a digest, which is not known before the build", hint="leave out @sha256:…")
    if place is None or place.kind not in NAMED:
        return Goal(_writable(place), to.names, to.load)
    if to.names:
        raise UsageError(f"{place} is a name already: leave out --tag", hint="or use -t REGISTRY/NAME:TAG --push")
    check_name(place.location)
    return Goal(place, [place.location])


def _writable(place: Place | None) -> Place | None:
    if place is not None and place.kind in SOURCES:
        raise UsageError(
            f"images cannot be written to {place}",
            hint="write oci:DIR, oci-archive:FILE or docker-archive:FILE, or push to a registry: docker://NAME:TAG",
        )
    return place
