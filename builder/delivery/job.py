"""One image that is to be made, and where it goes; both are looked at before the base is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.delivery.destination import Destination
from m2build.delivery.likeness import labels_of
from m2build.delivery.target import Target
from m2build.errors import TransportError

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.recipes.model import Selection


@dataclass(frozen=True)
class Job:
    """One image that is to be made.

    Attributes:
        selection: which image.
        to: where it goes.
        target: what is there before.
    """

    selection: Selection
    to: Destination
    target: Target


def check_targets(jobs: Iterable[Job], *, is_ours: bool) -> None:
    """See, before the base is read, that the images can go where they are to.

    Args:
        jobs: the images.
        is_ours: whether m2build itself sends them. A container engine has its own ways to a registry, so that one which
            only we cannot reach is left to it.

    Raises:
        M2BuildError: what `Target` raises.
    """
    for job in jobs:
        try:
            job.target.check()
        except TransportError as error:
            if is_ours or error.__cause__ is None:
                raise
        job.target.check_free(labels_of(job.selection))


def check_names(jobs: Iterable[Job], base: Base) -> None:
    """See, before the layers of the base are read, that no image of another base has one of the names.

    Raises:
        UsageError: one has.
    """
    for job in jobs:
        job.target.check_free(labels_of(job.selection, base))
