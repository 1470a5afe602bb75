"""What a user allows when images are published: how much is copied, and which tags may move."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from m2build.registry.tags import TagPolicy

BUDGET = 256 << 20
"""Bytes that may be copied into one registry unasked. Within a registry, deriving needs kilobytes."""
UNLIMITED = math.inf
"""A `max_transfer` that is never exceeded."""


@dataclass(frozen=True)
class Publishing:
    """What is allowed when images are published in registries.

    Attributes:
        tag_policy: what may happen to tags that exist.
        max_transfer: the most bytes of a base's layers that may be read from a registry, and the most that may be
            copied into one; or `UNLIMITED`. None for 256 MiB to copy, and any number to read.
        confirm: is asked, with a sentence that says how much, before more than 256 MiB go to another registry than the
            base's; None refuses that. It is not asked if there is a `max_transfer`.
    """

    tag_policy: TagPolicy = TagPolicy.MOVE
    max_transfer: float | None = None
    confirm: Callable[[str], bool] | None = None

    @property
    def limit(self) -> float:
        """The most bytes to copy into a registry unasked."""
        return BUDGET if self.max_transfer is None else self.max_transfer

    @property
    def most_read(self) -> float:
        """The most bytes of a base's layers to read from a registry."""
        return UNLIMITED if self.max_transfer is None else self.max_transfer
