"""Where derived images go, and under which names: decided before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from m2build.errors import UsageError
from m2build.local.targets import output_path
from m2build.oci.digest import Digest
from m2build.oci.reference import parse_reference
from m2build.places.place import ARCHIVES, ENGINE_STORES, SOURCES, Place, PlaceKind, parse_place

if TYPE_CHECKING:
    from m2build.recipes.model import Selection

_NAMED = frozenset({*ENGINE_STORES, PlaceKind.REGISTRY})
"""The kinds of places that are names."""


@dataclass(frozen=True)
class Destination:
    """Where one image goes, and what it is called there.

    Attributes:
        place: the place.
        name: what it is called, without a tag.
        tag: the tag.
    """

    place: Place
    name: str
    tag: str

    @property
    def reference(self) -> str:
        """Name and tag."""
        return f"{self.name}:{self.tag}"

    @property
    def stored(self) -> Place:
        """The place of this one image: in a layout with its tag, in an archive with its name."""
        is_tagged = self.place.kind in (PlaceKind.OCI, PlaceKind.OCI_ARCHIVE) and not self.place.tag
        if is_tagged:
            return replace(self.place, tag=self.tag)
        is_named = self.place.kind is PlaceKind.DOCKER_ARCHIVE and not self.place.tag
        return replace(self.place, tag=self.reference) if is_named else self.place

    @property
    def archive(self) -> Path | None:
        """The file of an archive; None for any other place."""
        return output_path(self.place.location) if self.place.kind in ARCHIVES else None

    def published(self, digest: Digest | None, image_id: Digest) -> str:
        """What is printed for a delivered image, to refer to it by.

        In a registry or an engine it is `NAME@DIGEST`, or the id if an engine keeps the image without a digest.
        Elsewhere it is the place with the digest; a Docker archive keeps only the config's.
        """
        if self.place.kind in _NAMED:
            return f"{self.name}@{digest}" if digest else str(image_id)
        is_kept = digest and self.place.kind is not PlaceKind.DOCKER_ARCHIVE
        return str(replace(self.stored, digest=str(digest if is_kept else image_id)))

    @property
    def slot(self) -> tuple[Place, str]:
        """What two images cannot share: a file, a name, or a tag in a layout."""
        return self.place, self.tag if self.place.kind is PlaceKind.OCI and not self.place.tag else ""


@dataclass(frozen=True)
class Goal:
    """What `--output`, `--tag`, `--push` and `--load` say, before images and engine are known.

    Attributes:
        place: the explicit place, or None. For a registry, `reference` is the same name.
        reference: a name with or without a tag, or None.
        is_kept: whether the image stays in the store of the container engine that builds it.
    """

    place: Place | None
    reference: str | None
    is_kept: bool = False

    def of(self, selections: Sequence[Selection], store: PlaceKind | None) -> list[Destination]:
        """The destination of each image.

        Args:
            selections: the images.
            store: the image store of the engine that builds, used without an explicit place; None for a layout in the
                working directory.

        Raises:
            UsageError: several images would go to one place under one name.
        """
        destinations = [self._one(selection, store) for selection in selections]
        for one in destinations:
            if sum(other.slot == one.slot for other in destinations) > 1:
                raise UsageError(
                    f"{one.place} can hold one image of that name, not {len(selections)}",
                    hint="leave out the tag, and write to a registry or a layout; build several models one by one",
                )
        return destinations

    def _one(self, selection: Selection, store: PlaceKind | None) -> Destination:
        name, _, tag = default_reference(selection).rpartition(":")
        if self.reference is not None:
            given = parse_reference(self.reference).tag
            name, tag = (self.reference.removesuffix(f":{given}"), given) if given else (self.reference, tag)
        place = self.place
        if place is None:
            place = Place(store, f"{name}:{tag}") if store else Place(PlaceKind.OCI, f"{name.rpartition('/')[2]}.oci")
        elif place.kind in _NAMED:
            place = Place(place.kind, f"{name}:{tag}")
        return Destination(place, name, tag)


def default_reference(selection: Selection) -> str:
    """What an image is called without another name.

    >>> from m2build.recipes.load import load_recipe
    >>> default_reference(load_recipe("minimax-m2").select(tp=8))
    'm2build/minimax-m2.1:tp8'
    """
    return f"m2build/{selection.model_id}:{selection.profile_id}"


def parse_goal(output: str | None, reference: str | None, *, push: bool, load: bool) -> Goal:
    """What the options say.

    Args:
        output: a place, or None.
        reference: a name with or without a tag, or None.
        push: whether `reference` is a name in a registry, and the images go there.
        load: whether the images stay in the engine's own store.

    Raises:
        UsageError: they exclude each other, or the place cannot be written.
    """
    given = [option for option, is_given in (("--output", output), ("--push", push), ("--load", load)) if is_given]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other", hint="an image goes to one place at a time")
    if reference is not None and parse_reference(reference).digest is not None:
        raise UsageError(
            f"{reference!r} names a digest, which is not known before the build", hint="leave out @sha256:…"
        )
    if push:
        if reference is None:
            raise UsageError("--push needs a name", hint="give one, as in -t REGISTRY/NAME:TAG --push")
        return Goal(Place(PlaceKind.REGISTRY, reference), reference)
    place = parse_place(output) if output else None
    if place is not None and place.digest is not None:
        raise UsageError(f"{place} names a digest, which is not known before the build", hint="leave out @sha256:…")
    if place is None or place.kind not in _NAMED:
        return Goal(_writable(place), reference, load)
    if reference is not None:
        raise UsageError(f"{place} is a name already: leave out --tag", hint="or use -t REGISTRY/NAME:TAG --push")
    if parse_reference(place.location).digest is not None:
        raise UsageError(f"{place} names a digest, which is not known before the build", hint="leave out @sha256:…")
    return Goal(place, place.location)


def _writable(place: Place | None) -> Place | None:
    if place is not None and place.kind in SOURCES:
        raise UsageError(
            f"images cannot be written to {place}",
            hint="write oci:DIR, oci-archive:FILE or docker-archive:FILE, or push to a registry: docker://NAME:TAG",
        )
    return place


def mountable_from(target: str, base: str) -> str | None:
    """The base's repository, if the target's registry can mount its layers: only within one registry; else None."""
    one, other = parse_reference(target), parse_reference(base)
    return other.repository if one.registry == other.registry else None
