"""A base in a registry, looked at where the engine that builds from it has it: 20 GB are not fetched twice."""

from __future__ import annotations

from dataclasses import replace

from m2build.base.model import Base
from m2build.engines.model import Engine
from m2build.layers.cache import member_cache
from m2build.layers.links import read_followed
from m2build.layers.members import wanted_for
from m2build.oci.reference import parse_reference
from m2build.places.engine_store import LocalImage, fetch_image, image_as_it_is
from m2build.places.place import Place
from m2build.progress import Progress


def looked_at_nearby(
    base: Base, engine: Engine, source_root: str, progress: Progress, *, insecure: bool, fetches: bool = True
) -> Base:
    """A base with its files as an engine's own store has them, which fetches the image if it has not got it.

    Files that are known from an earlier reading are not looked at again; and an image whose layers are not the base's,
    in their order, is not taken for it.

    Args:
        base: the base.
        engine: the engine, which has been probed.
        source_root: where the sources stand in it.
        progress: is told what is fetched.
        insecure: whether any registry may speak plain HTTP, or have a certificate of its own.
        fetches: whether the engine may fetch it.

    Raises:
        EngineError: the engine cannot fetch the base.
        ContentError: what it copies out of it is damaged.
    """
    folder = base.image.config.working_dir
    place = _place(base, engine)
    if place is None or member_cache().knows(base.image, wanted_for(source_root, folder)):
        return base
    local = _same(place, base)
    if local is None and fetches:
        fetch_image(place, base.image.config.platform, progress, insecure=insecure)
        local = _same(place, base)
    if local is None:
        return base
    return replace(base, filesystem=read_followed(source_root, folder, local.files))


def is_held(base: Base, engine: Engine) -> bool:
    """Whether an engine has a base in the store that it builds from."""
    place = _place(base, engine)
    return not base.has_layers or (place is not None and _same(place, base) is not None)


def _place(base: Base, engine: Engine) -> Place | None:
    """What a base in a registry is called in an engine's own store; None where the engine does not build from there."""
    digest = base.manifest_digest
    if not engine.builds_from_its_store or not digest or not base.name:
        return None
    return Place(engine.store, f"{parse_reference(base.name).name}@{digest}")


def _same(place: Place, base: Base) -> LocalImage | None:
    local = image_as_it_is(place)
    return local if local and local.config.chain_ids == base.image.config.chain_ids else None
