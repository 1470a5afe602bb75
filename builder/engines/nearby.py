"""A base in a registry, looked at where the engine that builds from it has it: 20 GB are not fetched twice."""

from __future__ import annotations

from dataclasses import replace

from m2build.base.member_cache import member_cache
from m2build.base.members import wanted_for
from m2build.base.model import Base
from m2build.engines.local_images import LocalImage, fetch_image, image_as_it_is
from m2build.engines.model import Engine
from m2build.oci.reference import parse_reference
from m2build.places import Place
from m2build.progress import Progress


def looked_at_nearby(base: Base, engine: Engine, source_root: str, progress: Progress, *, insecure: bool) -> Base:
    """A base with its files as an engine's own store has them, which fetches the image if it has not got it.

    Files that are known from an earlier reading are not looked at again; and an image whose layers are not the base's,
    in their order, is not taken for it.

    Raises:
        EngineError: the engine cannot fetch the base.
        ContentError: what it copies out of it is damaged.
    """
    wanted = wanted_for(source_root)
    digest = base.manifest_digest
    if not engine.builds_from_its_store or not digest or not base.name or member_cache().knows(base.image, wanted):
        return base
    place = Place(engine.store, f"{parse_reference(base.name).name}@{digest}")
    local = image_as_it_is(place)
    if local is None:
        fetch_image(place, base.image.config.platform, progress, insecure=insecure)
        local = image_as_it_is(place)
    return replace(base, filesystem=local.files(wanted)) if local and _is_same(local, base) else base


def _is_same(local: LocalImage, base: Base) -> bool:
    return local.config.chain_ids == base.image.config.chain_ids
