"""The one grammar for places: where a base or a source tree comes from, and where an image goes.

The names are those of containers-transports(5), so that skopeo and podman users know them, and three of our own for
sources and stand-in bases: `dir:PATH`, `wheel:FILE`, `pypi:NAME==VERSION`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from m2build.errors import UsageError


class PlaceKind(StrEnum):
    """What stands before the colon of a place."""

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
"""The kinds that name images in a container engine's store, and that engine's command: it alone reads and writes it."""

ARCHIVES = frozenset({PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE})
"""The kinds that are one file; as an output `-` is stdout."""

_TAGGED = ARCHIVES | {PlaceKind.OCI}


@dataclass(frozen=True)
class Place:
    """A parsed place.

    Attributes:
        kind: the transport.
        location: the path, the image reference or the `NAME==VERSION` requirement.
        tag: the image inside a layout or an archive that holds several, or None.
    """

    kind: PlaceKind
    location: str
    tag: str | None = None

    def __post_init__(self) -> None:
        """Refuse a tag that no layout can hold: its index is JSON, which is UTF-8 (RFC 8259, section 8.1)."""
        if re.search("[\ud800-\udfff]", self.tag or ""):
            raise UsageError(f"the tag {self.tag!r} is not UTF-8", hint="use letters, digits, full stops and dashes")

    def __str__(self) -> str:
        separator = "://" if self.kind is PlaceKind.REGISTRY else ":"
        return f"{self.kind}{separator}{self.location}" + (f":{self.tag}" if self.tag else "")


def parse_place(text: str) -> Place:
    """Read a place such as `oci:DIR[:TAG]`, `pypi:sglang==0.5.7` or a bare image reference.

    Raises:
        UsageError: nothing stands behind the colon.
    """
    head, colon, rest = text.partition(":")
    try:
        kind = PlaceKind(head) if colon else None
    except ValueError:
        kind = None
    if kind is None or (kind is PlaceKind.REGISTRY and not rest.startswith("//")):
        kind, rest = PlaceKind.REGISTRY, text
    if kind is PlaceKind.REGISTRY:
        rest = rest.removeprefix("//")
    tag = None
    if kind in _TAGGED:
        rest, tag = _split_tag(rest)
    if not rest:
        raise UsageError(
            f"the place {text!r} names nothing",
            hint="write oci:DIR, oci-archive:FILE, docker-archive:FILE, dir:PATH, wheel:FILE or pypi:NAME==VERSION",
        )
    return Place(kind, rest, tag)


def _split_tag(rest: str) -> tuple[str, str | None]:
    """Split `PATH[:TAG]`; a tag may itself hold a colon (`FILE:name:tag`), a path may not, as for skopeo."""
    path, _, tag = rest.partition(":")
    return path, tag or None
