"""From a place to a base, pinned to a digest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from m2build.base.model import Base
from m2build.base.nydus import refuse_nydus
from m2build.errors import PatchError, TransportError, UsageError
from m2build.labels import STAND_IN
from m2build.oci.image import Reading
from m2build.places.place import ENGINE_STORES, SOURCES, Place, PlaceKind
from m2build.places.transports import read_image
from m2build.progress import Progress

if TYPE_CHECKING:
    from m2build.base.mirror import Mirror
    from m2build.layers.root import Root
    from m2build.registry.access import Access


def open_base(
    place: Place,
    *,
    roots: Mapping[str, Root],
    platform: str,
    workdirs: Sequence[str] = (),
    access: Access | None = None,
    whole: bool = True,
    mirror: Mirror | None = None,
    progress: Progress | None = None,
) -> Base:
    """The base at a place: an image, or a stand-in made of sources.

    Args:
        place: where it is.
        roots: its folders of sources, by name; a stand-in has only one.
        platform: `os/architecture[/variant]`.
        workdirs: the folders that images start in instead of the base's, relative to the root.
        access: how registries are reached; None for other places.
        whole: whether its layers will be needed; if not, an image in an engine's store is not copied, unless a folder
            of sources has to be found in it.
        mirror: is read if the place is a name in a registry that does not exist any more; or None.
        progress: receives what is copied from an engine's store, and that the mirror is read; or None.

    Raises:
        UsageError: the place does not exist, has no image for the platform, or a Nydus image; or a stand-in would have
            several folders of sources.
        EngineError: a container engine cannot export its image.
        PatchError: a folder or a wheel holds no sources.
        ContentError: an archive is truncated, altered or malformed.
        TransportError: a release or an image cannot be fetched.
        StorageError: a file cannot be read.
    """
    if place.kind in SOURCES:
        return _stand_in(place, roots, platform)
    if place.kind in ENGINE_STORES and not whole and all(root.path is not None for root in roots.values()):
        return _local_base(place, roots, workdirs, platform)
    reading = Reading(by_table=True, bound=math.inf if place.kind is PlaceKind.REGISTRY else None)
    try:
        stored = read_image(place, platform, access, progress=progress)
    except TransportError as error:
        if mirror is None or not error.is_missing:
            raise
        if progress is not None:
            progress.notice(f"{error.message}: the base is read from its mirror, {mirror.name}")
        return mirror.base(place, platform, access).read_as(reading)
    refuse_nydus(stored.image.manifest, str(place))
    base = Base.of(stored.image, stored.digest, stored.name, place=place)
    return (mirror.of(base) if mirror else base).read_as(reading)


def _stand_in(place: Place, roots: Mapping[str, Root], platform: str) -> Base:
    from m2build.base.sources import open_files
    from m2build.base.stand_in import image_of_sources, place_of  # images need neither

    if len(roots) > 1:
        raise UsageError(
            f"{place} is one folder of sources, and the recipe has {len(roots)}: {', '.join(roots)}",
            hint="name an image as the base, or render with --source NAME=PLACE for each folder",
        )
    ((name, root),) = roots.items()

    stand_in = str(place) if place.kind is PlaceKind.PYPI else str(place.kind)
    tree = open_files(place)
    if not tree:
        raise PatchError(f"{place} holds no files", hint="name the folder that holds the packages")
    image = image_of_sources(tree, place_of(name, root), platform, {STAND_IN: stand_in})
    return Base.of(image, image.manifest.digest, None, place=place)


def _local_base(place: Place, roots: Mapping[str, Root], workdirs: Sequence[str], platform: str) -> Base:
    from m2build.layers.roots import read_roots
    from m2build.oci.found import check_platform
    from m2build.places.engine_store import find_local_image  # it needs other programs

    local = find_local_image(place)
    check_platform(local.config, platform, str(place))
    filesystem, _ = read_roots(roots, (local.config.working_dir, *workdirs), local.files)
    return Base(local.config, local.digest, local.name, filesystem=filesystem, place=place)
