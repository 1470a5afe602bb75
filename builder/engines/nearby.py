"""Reads a registry's base in the store of the engine that builds from it: 20 GB are not fetched twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from m2build.base.model import Base
from m2build.engines.model import Task
from m2build.layers.cache import member_cache
from m2build.layers.links import read_followed
from m2build.layers.members import wanted_for
from m2build.oci.reference import parse_reference
from m2build.places.engine_store import LocalImage, fetch_image, image_as_it_is
from m2build.places.place import Place, PlaceKind
from m2build.recipes.model import Selection
from m2build.recipes.selections import common_recipe, workdirs


def with_nearby_files(
    base: Base, place: Place | None, selections: Sequence[Selection], task: Task, *, fetches: bool
) -> Base:
    """A base with its files as an engine's store has them; the engine fetches the image if the store lacks it.

    Files that are in the cache are not read again. A marker has to be looked for in layers, which engines do not show:
    a base with one stays as it is, and so does one whose files' owners the engine does not show. An image in the store
    counts as the base only if it has the same layers in the same order.

    Args:
        base: the base.
        place: its place in the engine's store, from `place_in`.
        selections: what is derived from it: where its sources are, and where images start.
        task: how the image will be delivered.
        fetches: whether the engine may fetch it.

    Raises:
        EngineError: the engine cannot fetch the base.
        ContentError: what it copies out of it is damaged.
    """
    roots, folders = common_recipe(selections).roots, (base.config.working_dir, *workdirs(selections))
    paths = [root.path for root in roots.values() if root.path is not None]
    if place is None or base.image is None or len(paths) < len(roots):
        return base
    if member_cache().knows(base.image, wanted_for(paths, folders)):
        return base
    local = _same(place, base)
    if local is None and fetches:
        fetch_image(place, base.config.platform, task.progress, insecure=task.insecure)
        local = _same(place, base)
    if local is None or not local.shows_owners:
        return base
    return replace(base, filesystem=read_followed(paths, folders, local.files))


def is_held(base: Base, place: Place | None) -> bool:
    """Whether an engine's store has a base, which is called `place` there."""
    return base.image is None or (place is not None and _same(place, base) is not None)


def place_in(store: PlaceKind, base: Base) -> Place | None:
    """What a base in a registry is called in an engine's own store; None for a base without a name or a digest."""
    if not base.manifest_digest or not base.source:
        return None
    return Place(store, f"{parse_reference(base.source).name}@{base.manifest_digest}")


def _same(place: Place, base: Base) -> LocalImage | None:
    local = image_as_it_is(place)
    return local if local and local.config.chain_ids == base.config.chain_ids else None
