"""Differences from a lock that show before any source is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from m2build.base.model import Base
from m2build.locking.code import code_digest
from m2build.locking.comparing import Difference, between
from m2build.locking.made import definition_of, image_key, vendored_by
from m2build.locking.model import Lock
from m2build.patches.series import Series
from m2build.recipes.model import Selection


def foreseen(
    lock: Lock, selections: Sequence[Selection], base: Base, series: Mapping[str, Series]
) -> tuple[Difference, ...]:
    """Those that forbid to take the sources from the lock."""
    locked, found = _decisive(lock), _found(selections, base, series)
    return between(locked, found)


def _decisive(lock: Lock) -> dict[str, JsonValue]:
    return {
        "recipe": lock.recipe,
        "base": {"manifest": lock.base.manifest, "config": lock.base.config},
        "sources": {
            name: {
                "series": source.series,
                "patches": {
                    key: {"definition": patch.definition, "code": patch.code, "vendored": {**patch.vendored}}
                    for key, patch in source.patches.items()
                },
            }
            for name, source in lock.sources.items()
        },
        "images": {key: {"workdir": image.workdir} for key, image in lock.images.items()},
    }


def _found(selections: Sequence[Selection], base: Base, series: Mapping[str, Series]) -> dict[str, JsonValue]:
    return {
        "recipe": selections[0].recipe.name,
        "base": {"manifest": _text(base.manifest_digest), "config": _text(base.config_digest)},
        "sources": {
            name: {
                "series": one.id,
                "patches": {
                    patch.id: {
                        "definition": definition_of(patch),
                        "code": code_digest(patch),
                        "vendored": {**vendored_by(patch)},
                    }
                    for patch in one.patches
                },
            }
            for name, one in series.items()
        },
        "images": {image_key(one): {"workdir": one.settings.workdir} for one in selections},
    }


def _text(digest: object) -> str | None:
    return str(digest) if digest else None
