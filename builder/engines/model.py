"""What container engines have in common: what they are asked for, and what they tell of the image that they built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from m2build.oci.digest import Digest
from m2build.places.place import Place, PlaceKind
from m2build.progress import Progress


@dataclass(frozen=True)
class Order:
    """What an engine is asked to make of a build context.

    Attributes:
        place: where the image goes: the engine's own store, a registry, or an archive of the engine's kind.
        reference: what it is called there, `NAME:TAG`.
        platform: `os/architecture[/variant]`.
        created: seconds since the epoch; the image's only time.
        base: the name of what it starts from, or None where it has none.
        insecure: whether a registry may speak plain HTTP, or have a certificate of its own.
    """

    place: Place
    reference: str
    platform: str
    created: int
    base: str | None = None
    insecure: bool = False


@dataclass(frozen=True)
class Built:
    """What an engine says of the image that it built, without having been asked for it by a name.

    Attributes:
        image_id: the digest of its config, or what else the engine calls its id.
        digest: the digest of its manifest; None where the engine keeps images without one.
        metadata: what else the engine wrote down, under buildx's keys.
    """

    image_id: Digest
    digest: Digest | None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)


class Engine(Protocol):
    """A container engine that builds Dockerfiles."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def store(self) -> PlaceKind:
        """What places in its own image store are called."""

    @property
    def archive(self) -> PlaceKind:
        """What kind of archive it writes."""

    @property
    def builds_from_its_store(self) -> bool:
        """Whether it pulls a base into its own store, and not to somewhere else."""

    def probe(self) -> str:
        """See that it is there, answers and is new enough; returns what was found, with versions.

        Raises:
            EngineError: it is not; the message says what was found, the hint how to get what is needed.
        """

    def build(self, context: Path, order: Order, progress: Progress) -> Built:
        """Build a context, deliver the image, and pass on what the engine says meanwhile.

        Raises:
            EngineError: the build failed; the message holds the failing step and what it printed.
        """
