"""A lock as one more account of an image: it has to say what recipe and base give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from m2build.locking.made import lock_of
from m2build.verification.findings import Finding

if TYPE_CHECKING:
    from m2build.derivation.plan import Plan
    from m2build.locking.comparing import Difference
    from m2build.locking.model import Lock


def lock_findings(lock: Lock, plan: Plan) -> Iterator[Finding]:
    """The keys in which a lock is not that of a plan; what it has of other images is not looked at.

    A lock of another recipe is one finding: every other key would only repeat it.

    Raises:
        UsageError: the plan's base has no digest, as in an engine's store.
    """
    differing = lock.differences(lock_of([plan]))
    others = [one for one in differing if one.way == ("recipe",)]
    for one in others or differing:
        yield Finding(_kind(one), one.key, f"it is {one.values}")


def _kind(difference: Difference) -> str:
    if difference.is_of_the_base:
        return "lock-base"
    match difference.way[0]:
        case "sources" | "footing" | "hidden":
            return "lock-sources"
        case "images":
            return "lock-image"
    return "lock-other"
