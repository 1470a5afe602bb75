"""A lock as one more account of an image: it has to say what recipe and base give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from m2build.locking.made import lock_of
from m2build.verification.findings import Finding

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.derivation.plan import Plan
    from m2build.locking.comparing import Difference
    from m2build.locking.model import Lock, LockedSource
    from m2build.oci.image import Image


def lock_findings(lock: Lock, plan: Plan, image: Image) -> Iterator[Finding]:
    """The keys in which a lock is not that of a plan; what it has of other images is not looked at.

    A lock of another recipe is one finding: every other key would only repeat it.

    Args:
        lock: the lock.
        plan: what recipe and base give.
        image: the image, whose lowest layers are the base's.

    Raises:
        UsageError: the plan's base has no digest, as in an engine's store.
    """
    differing = lock.differences(_as_pulled(lock_of([plan]), plan.base, image))
    others = [one for one in differing if one.way == ("recipe",)]
    for one in others or differing:
        yield Finding(_kind(one), one.key, f"it is {one.values}")


def _as_pulled(found: Lock, base: Base, image: Image) -> Lock:
    """A lock made now, with the base's layers as the image stores them, if their own place stores them otherwise."""
    if base.claimed is None or base.image is None:
        return found
    stored = zip(base.image.manifest.layers, image.manifest.layers, strict=False)
    names = {str(here.digest): str(there.digest) for here, there in stored}

    def renamed(source: LockedSource) -> LockedSource:
        files = {
            path: file.model_copy(update={"layer": names.get(file.layer or "", file.layer)})
            for path, file in source.files.items()
        }
        return source.model_copy(update={"files": files})

    return found.model_copy(update={"sources": {name: renamed(one) for name, one in found.sources.items()}})


def _kind(difference: Difference) -> str:
    if difference.is_of_the_base:
        return "lock-base"
    match difference.way[0]:
        case "sources" | "footing" | "hidden":
            return "lock-sources"
        case "images":
            return "lock-image"
    return "lock-other"
