"""The one grammar for places: where a base or a source tree comes from, and where an image goes.

The names are those of containers-transports(5), so that skopeo and podman users know them, and three of our own for
sources and stand-in bases: `dir:PATH`, `wheel:FILE`, `pypi:NAME==VERSION`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from m2build.documents.arguments import typed_arguments
from m2build.documents.shown import is_utf8, shown
from m2build.documents.suggest import nearest
from m2build.errors import UsageError
from m2build.local.failures import storage
from m2build.oci.reference import is_reference, parse_reference, without_user


class PlaceKind(StrEnum):
    """The kind of a place, which stands before its colon."""

    REGISTRY = "docker"
    OCI = "oci"
    OCI_ARCHIVE = "oci-archive"
    DOCKER_ARCHIVE = "docker-archive"
    DOCKER_DAEMON = "docker-daemon"
    CONTAINERS_STORAGE = "containers-storage"
    DIRECTORY = "dir"
    WHEEL = "wheel"
    PYPI = "pypi"


SOURCES = frozenset({PlaceKind.DIRECTORY, PlaceKind.WHEEL, PlaceKind.PYPI})
"""The kinds that name Python sources and not an image."""

ENGINE_STORES: Mapping[PlaceKind, str] = {PlaceKind.DOCKER_DAEMON: "docker", PlaceKind.CONTAINERS_STORAGE: "podman"}
"""The kinds for images in a container engine's store, with the engine's command, which alone reads and writes it."""

ARCHIVES = frozenset({PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE})
"""The kinds that are one file; as an output `-` is stdout."""

_TAGGED = ARCHIVES | {PlaceKind.OCI}
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_PORT = re.compile(r"[0-9]+/")
"""A port behind the first colon: `localhost:5000/NAME` does not name a folder `localhost`."""

_SPELLINGS = "write oci:DIR, oci-archive:FILE, docker-archive:FILE, dir:PATH, wheel:FILE or pypi:NAME==VERSION"

_NAMED = frozenset({PlaceKind.REGISTRY, PlaceKind.DOCKER_ARCHIVE, *ENGINE_STORES})
"""The kinds in which images have full names."""


@dataclass(frozen=True)
class Place:
    """A parsed place.

    Attributes:
        kind: the transport.
        location: the path, the image reference or the `NAME==VERSION` requirement.
        tag: the image inside a layout or an archive that holds several, or None.
        digest: the expected digest of an image in a layout or an archive, or None; a reference holds its own.
    """

    kind: PlaceKind
    location: str
    tag: str | None = None
    digest: str | None = None

    def __post_init__(self) -> None:
        """Refuse a tag that is not UTF-8, as a layout's index must be (RFC 8259, section 8.1)."""
        if not is_utf8(self.tag or ""):
            raise UsageError(f"the tag {self.tag!r} is not UTF-8", hint="use letters, digits, full stops and dashes")

    def __str__(self) -> str:
        separator = "://" if self.kind is PlaceKind.REGISTRY else ":"
        tag, digest = f":{self.tag}" if self.tag else "", f"@{self.digest}" if self.digest else ""
        return f"{self.kind}{separator}{self.location}{tag}{digest}"

    @classmethod
    @typed_arguments
    def parse(cls, text: str, *, is_there: Callable[[str], bool] = os.path.exists) -> Place:
        """Read a place: `KIND:…`, or a bare word with one possible meaning.

        A word that begins with `/`, `./` or `../` is a path. Any other is a name in a registry, or a path that exists;
        if it can be either, it is refused, and the message gives both spellings. A folder is a layout, or will become
        one; a folder with other files in it holds sources.

        Args:
            text: such as `oci:DIR[:TAG]`, `pypi:sglang==0.5.7`, `./DIR[:TAG]` or `NAME[:TAG]`; and what `m2build image`
                prints of a layout, `oci:DIR:TAG@DIGEST`.
            is_there: whether a path exists.

        Raises:
            UsageError: it is empty, it can be read in two ways, or an image's name holds a user name and password.

        Example:
            >>> place = Place.parse("oci:./images:tp8")
            >>> place.kind, place.location, place.tag
            (<PlaceKind.OCI: 'oci'>, './images', 'tp8')
        """
        head, colon, rest = text.partition(":")
        kind = next((kind for kind in PlaceKind if colon and kind == head), None)
        if kind is None or (kind is PlaceKind.REGISTRY and not rest.startswith("//")):
            return _bare(text, is_there)
        if kind is PlaceKind.REGISTRY:
            rest = rest.removeprefix("//")
        path, tag, digest = _parts(rest) if kind in _TAGGED else (rest, None, None)
        _refuse_users(tag or "" if kind is PlaceKind.DOCKER_ARCHIVE else path, kind)
        if not path:
            raise _nothing(text)
        return cls(kind, path, tag, digest)


def _refuse_users(name: str, kind: PlaceKind) -> None:
    """Refuse an image's name with a password, before a message repeats it."""
    if kind in _NAMED and without_user(name) != name:
        parse_reference(name)


def _refuse_unknown_kind(text: str) -> None:
    """Refuse a word that cannot be a name in a registry, and looks like a mistyped kind: `pypy:sglang==0.5.7`."""
    head, colon, _ = text.partition(":")
    guess = nearest(head, PlaceKind) if colon and re.fullmatch("[a-z-]+", head) else None
    if guess not in (None, head) and not is_reference(text):
        raise UsageError(
            f"{shown(text)} is neither a place nor a name in a registry; did you mean '{guess}:'?", hint=_SPELLINGS
        )


def registry_place(text: str) -> Place:
    """Read a place; a bare word is a name in a registry, so that a recipe means the same in every folder.

    Raises:
        UsageError: it is empty.
    """
    return Place.parse(text, is_there=lambda _: False)


def _bare(text: str, is_there: Callable[[str], bool]) -> Place:
    if text.startswith(("/", "./", "../")) or text in (".", ".."):
        return _path(text)
    if not text:
        raise _nothing(text)
    registry = Place(PlaceKind.REGISTRY, text)
    path, tag, _ = _parts(text)
    if _PORT.match(tag or "") or not is_there(path):
        _refuse_users(text, registry.kind)
        _refuse_unknown_kind(text)
        return registry
    local = _path(f"./{text}")
    if not is_reference(text):
        return local
    raise UsageError(f"{text!r} can be a path or a name in a registry", hint=f"write {local} or {registry}")


def _path(text: str) -> Place:
    path, tag, digest = _parts(text)
    with storage(Path(path), "read"):
        if Path(path).is_file():
            kinds = (PlaceKind.WHEEL,) if path.endswith(".whl") else (PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE)
            raise UsageError(f"{path} is a file of unknown kind", hint=" or ".join(f"{kind}:{text}" for kind in kinds))
        if _holds_sources(Path(text)):
            return Place(PlaceKind.DIRECTORY, text)
    return Place(PlaceKind.OCI, path, tag, digest)


def _holds_sources(folder: Path) -> bool:
    return folder.is_dir() and not (folder / "oci-layout").exists() and any(folder.iterdir())


def _nothing(text: str) -> UsageError:
    return UsageError(
        f"the place {text!r} has no path or name",
        hint=_SPELLINGS,
    )


def _parts(rest: str) -> tuple[str, str | None, str | None]:
    """Split `PATH[:TAG][@DIGEST]`; a tag may hold a colon (`FILE:name:tag`), a path may not, as with skopeo."""
    found = _DIGEST.search(rest)
    digest = found[0].removeprefix("@") if found else None
    path, _, tag = (rest[: found.start()] if found else rest).partition(":")
    return path, tag or None, digest
