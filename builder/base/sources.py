"""Source trees from any place: folders, wheels, releases, and the layers of images."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from m2build.errors import PatchError
from m2build.layers.cache import member_cache
from m2build.layers.filesystem import Filesystem, read_filesystem
from m2build.layers.held import held
from m2build.layers.links import followed, read_followed
from m2build.oci.tar import Kind
from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_directory, from_wheel
from m2build.patches.tree import SourceFile, SourceTree
from m2build.places.place import ENGINE_STORES, SOURCES, Place, PlaceKind
from m2build.places.transports import read_image
from m2build.progress import Progress

if TYPE_CHECKING:
    from m2build.registry.access import Access


def open_source(
    place: Place, *, source_root: str, platform: str, progress: Progress, access: Access | None = None
) -> SourceTree:
    """The sources at a place; in an image, those below `source_root`.

    Raises:
        UsageError: the place does not exist.
        PatchError: the image has no such folder.
        ContentError: an archive is truncated, altered or malformed.
        TransportError: a release or an image cannot be fetched.
        EngineError: a container engine cannot copy its image's files.
        StorageError: a file cannot be read.
    """
    if place.kind in SOURCES:
        return open_files(place)
    if place.kind in ENGINE_STORES:
        from m2build.places.engine_store import find_local_image  # it needs other programs

        filesystem = read_followed(source_root, "", find_local_image(place).files)
    else:
        with held(read_image(place, platform, access).image) as image:
            read = partial(read_filesystem, image, progress=progress, cache=member_cache())
            filesystem = read_followed(source_root, "", read)
    return source_tree(filesystem, source_root, origin=str(place))


def open_files(place: Place) -> SourceTree:
    """The sources in a folder, a wheel or a release."""
    if place.kind is PlaceKind.DIRECTORY:
        return from_directory(Path(place.location))
    return from_wheel(fetch_wheel(place.location) if place.kind is PlaceKind.PYPI else Path(place.location))


def source_tree(filesystem: Filesystem, root: str, *, origin: str) -> SourceTree:
    """The regular files and links below a folder of an image, which may be a link to it; without compiled caches.

    Raises:
        PatchError: the folder is missing or empty.
    """
    named = root.strip("/")
    real = followed(filesystem, named)
    prefix = f"{real}/"
    files: dict[str, SourceFile] = {}
    links: dict[str, str] = {}
    for path, member in filesystem.items():
        if not path.startswith(prefix) or "/__pycache__/" in path:
            continue
        if member.kind is Kind.FILE:
            files[path.removeprefix(prefix)] = SourceFile.of(member.content, member.mode)
        elif member.kind is Kind.SYMLINK:
            links[path.removeprefix(prefix)] = member.target
    if not files:
        raise PatchError(
            f"{origin} has no sources at /{real}" + f", the target of /{named}" * (real != named),
            hint="check the base, or the recipe's base.source_root: --set base.source_root=/PATH",
        )
    return SourceTree(files, origin=origin, links=links)
