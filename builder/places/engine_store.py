"""Images in the store of Docker or podman: `docker-daemon:` and `containers-storage:`, without running them.

By the engines' own commands, which are the same for both here: python-on-whales can neither stream `cp` nor see all of
`image inspect`.
"""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import BinaryIO

from m2build.errors import ContentError, EngineError
from m2build.layers.filesystem import Filesystem
from m2build.layers.members import Wanted
from m2build.local.temporary import temporary_folder, temporary_place
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.found import FoundImage
from m2build.oci.image import Blobs
from m2build.places.copied import read_files, shows_owners
from m2build.places.docker_archive import read_docker_archive
from m2build.places.files import ArchiveFiles
from m2build.places.inspected import parse_inspected
from m2build.places.layout import read_layout
from m2build.places.place import ENGINE_STORES, Place, PlaceKind
from m2build.places.podman_trust import trusting_options
from m2build.programs.build_log import run_reported
from m2build.programs.program import Program
from m2build.progress import Progress, amount


@dataclass(frozen=True)
class LocalImage:
    """An image in an engine's store.

    Attributes:
        place: where it is.
        name: its full name and tag; None if it has none, and was named by its id.
        image_id: its id, which it has even without a name.
        digest: of the manifest or index that it was pulled by; None if the engine has none.
        config: its config as the engine prints it, not to the byte.
        size: in bytes, as the engine counts them.
    """

    place: Place
    name: str | None
    image_id: Digest
    digest: Digest | None
    config: ImageConfig
    size: int

    def files(self, wanted: Wanted) -> Filesystem:
        """Its entries at the wanted paths and the folders above them; nothing else of 75 GB is copied.

        Raises:
            EngineError: the engine cannot copy them.
            ContentError: the copy is damaged.
        """
        return read_files(_engine(self.place), self.place.location, self.config.platform, wanted)

    @property
    def shows_owners(self) -> bool:
        """Whether `files` have the owners that the image gives them."""
        return shows_owners(_engine(self.place))

    def save(self, progress: Progress) -> FoundImage:
        """All of it, in a temporary archive that is removed when the image is no longer referenced.

        Raises:
            EngineError: the engine cannot save it.
            ContentError: the archive is damaged.
        """
        progress.step(f"copying {self.place} into {temporary_place()}: {amount(self.size)}")
        folder = _Folder()
        archive = folder.path / "image.tar"
        _engine(self.place).ask("save", f"--output={archive}", self.place.location, seconds=None)
        stored = _read(ArchiveFiles(archive), self.config.platform, str(self.place))
        return replace(stored, image=replace(stored.image, blobs=_Kept(stored.image.blobs, folder)), name=self.name)


def find_local_image(place: Place) -> LocalImage:
    """The image of a name, or of an id, in an engine's store.

    Raises:
        EngineError: the engine is missing, does not answer, or has no such image.
        UsageError: the image has no such name.
    """
    try:
        found = parse_inspected(_engine(place).ask("image", "inspect", place.location))
    except EngineError as error:
        hint = f"`{ENGINE_STORES[place.kind]} images` lists its images"
        raise EngineError(f"{place} cannot be read: {error}", hint=hint) from error
    name = found.name(place.location)
    return LocalImage(place, name, found.image_id, found.digest(name), found.config, found.size)


def image_as_it_is(place: Place) -> LocalImage | None:
    """The image of a name by digest in an engine's store; None if it has none."""
    try:
        found = parse_inspected(_engine(place).ask("image", "inspect", place.location))
    except EngineError:
        return None
    return LocalImage(place, place.location, found.image_id, None, found.config, found.size)


def fetch_image(place: Place, platform: str, progress: Progress, *, insecure: bool) -> None:
    """Pull an image into an engine's store.

    Raises:
        EngineError: the engine cannot pull it.
    """
    is_podman = place.kind is PlaceKind.CONTAINERS_STORAGE
    trusting = trusting_options(place.location, insecure=insecure) if is_podman else []
    progress.step(f"{ENGINE_STORES[place.kind]} pulls {place.location}")
    run_reported(_engine(place), ["pull", f"--platform={platform}", *trusting, place.location], progress)


def _engine(place: Place) -> Program:
    return Program(ENGINE_STORES[place.kind])


def _read(files: ArchiveFiles, platform: str, where: str) -> FoundImage:
    """The one image of an archive; since version 25 docker writes a layout too, which has digests."""
    try:
        files.open("index.json").close()
    except ContentError:
        return read_docker_archive(files, None, where)
    return read_layout(files, None, platform, where)


class _Folder:
    """A temporary folder that lives as long as this object."""

    def __init__(self) -> None:
        with ExitStack() as made:
            self.path = made.enter_context(temporary_folder())
            weakref.finalize(self, made.pop_all().close)


@dataclass(frozen=True)
class _Kept:
    """Blobs in a temporary folder, which lives as long as they do."""

    below: Blobs
    folder: _Folder

    def open(self, descriptor: Descriptor) -> BinaryIO:
        return self.below.open(descriptor)
