"""What a session passes to all that it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from m2build.delivery.publishing import Publishing
from m2build.progress import Progress

if TYPE_CHECKING:
    from m2build.registry.access import Access


@dataclass(frozen=True)
class Surroundings:
    """How registries, caches and the user are reached.

    Attributes:
        access: how registries are reached; None if there are none.
        environment: where `SOURCE_DATE_EPOCH` is read.
        progress: receives what is going on.
        cache: the cache folder; None for the user's.
        insecure: whether any registry may speak plain HTTP, or have a certificate of its own.
        publishing: what is allowed when images are published in registries.
    """

    access: Access | None
    environment: Mapping[str, str]
    progress: Progress
    cache: Path | None = None
    insecure: bool = False
    publishing: Publishing = field(default_factory=Publishing)
