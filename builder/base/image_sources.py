"""Source trees from images: the regular files and links below one of their folders."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from m2build.errors import ContentError, PatchError, StorageError
from m2build.layers.cache import member_cache
from m2build.layers.filesystem import Filesystem, read_filesystem
from m2build.layers.held import held
from m2build.layers.links import followed, read_followed
from m2build.oci.tar import Kind, Member
from m2build.patches.tree import SourceFile, SourceTree
from m2build.places.place import ENGINE_STORES, Place
from m2build.places.transports import read_image
from m2build.progress import Progress

if TYPE_CHECKING:
    from m2build.registry.access import Access


def open_image(place: Place, source_root: str, platform: str, progress: Progress, access: Access | None) -> SourceTree:
    """The sources in an image, as `open_source` gives them."""
    if place.kind in ENGINE_STORES:
        from m2build.places.engine_store import find_local_image  # it needs other programs

        filesystem = read_followed([source_root.strip("/")], (), find_local_image(place).files)
    else:
        with held(read_image(place, platform, access).image) as image:
            read = partial(read_filesystem, image, progress=progress, cache=member_cache())
            filesystem = read_followed([source_root.strip("/")], (), read)
    return source_tree(filesystem, source_root, origin=str(place))


def source_tree(filesystem: Filesystem, root: str, *, origin: str, key: str = "base.source_root") -> SourceTree:
    """The regular files and links below a folder of an image, which may be a link to it; without compiled caches.

    Args:
        filesystem: the image's entries.
        root: the folder.
        origin: what to call the image in messages.
        key: the recipe's key that names the folder, for messages.

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
            files[path.removeprefix(prefix)] = _source_file(member)
        elif member.kind is Kind.SYMLINK:
            links[path.removeprefix(prefix)] = member.target
    if not files:
        raise PatchError(
            f"{origin} has no sources at /{real}" + f", the target of /{named}" * (real != named),
            hint=f"check the base, or the recipe's {key}: --set {key}=/PATH",
        )
    return SourceTree(files, origin=origin, links=links)


def _source_file(member: Member) -> SourceFile:
    """A file of the tree; one whose content is not held can be neither patched nor searched, which is then said."""
    if member.unheld is None:
        return SourceFile.of(member.content, member.mode)
    problem = f"/{member.path} in the image has {member.size:,} bytes, too many to be held"

    def load() -> bytes:
        raise ContentError(problem, hint="a patch reads this file; is it a source file?")

    def pieces() -> Iterator[bytes]:
        raise StorageError(problem)

    return SourceFile(member.mode, member.size, load, pieces)
