"""One image to make, and its destination, which is checked before the base is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.delivery.copying import Lacking
from m2build.delivery.destination import Destination, mountable_from
from m2build.delivery.likeness import labels_of
from m2build.delivery.target import Target
from m2build.errors import TransportError
from m2build.places.place import PlaceKind

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.delivery.surroundings import Surroundings
    from m2build.recipes.model import Selection


@dataclass(frozen=True)
class Job:
    """One image to make.

    Attributes:
        selection: which image.
        to: where it goes.
        target: the destination before that.
    """

    selection: Selection
    to: Destination
    target: Target


def check_targets(jobs: Iterable[Job], *, is_ours: bool) -> None:
    """Check, before the base is read, that the images can be written to their destinations.

    Args:
        jobs: the images.
        is_ours: whether m2build itself sends them. A container engine has its own network settings, so it may reach a
            registry that m2build cannot.

    Raises:
        M2BuildError: as `Target.check` and `Target.check_free`.
    """
    for job in jobs:
        try:
            job.target.check()
        except TransportError as error:
            if is_ours or error.__cause__ is None:
                raise
        job.target.check_free(labels_of(job.selection))


def check_transfer(jobs: Iterable[Job], base: Base, surroundings: Surroundings) -> None:
    """Check, before the layers of the base are read, that those which registries lack may be copied.

    What can be mounted is mounted.

    Raises:
        TransferBudgetError: they may not.
        TransportError: a registry does not answer, or refuses.
    """
    lacking = Lacking()
    for job in jobs:
        if job.to.place.kind is PlaceKind.REGISTRY and base.image is not None:
            source = mountable_from(job.to.reference, *base.holders)
            lacking.add(job.to.reference, job.target.lacking(base.image.manifest.layers), source)
    lacking.check(surroundings.publishing, surroundings.progress)


def check_names(jobs: Iterable[Job], base: Base) -> None:
    """Check, before the layers of the base are read, that no name belongs to an image of another base.

    Raises:
        UsageError: one does.
    """
    for job in jobs:
        job.target.check_free(labels_of(job.selection, base))
