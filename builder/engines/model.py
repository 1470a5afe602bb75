"""What engines have in common: what they are given, and what they report of the image that they made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.places.place import Place, PlaceKind
from m2build.progress import Progress
from m2build.registry.tags import TagPolicy

if TYPE_CHECKING:
    from pydantic import JsonValue  # slow to import, as are recipes: a push needs neither

    from m2build.base.model import Base
    from m2build.derivation.plan import Plan
    from m2build.recipes.model import Selection
    from m2build.registry.access import Access
    from m2build.registry.push import Transfer


@dataclass(frozen=True)
class Order:
    """The order to a container engine that goes with a build context.

    Attributes:
        place: where the image goes: the engine's own store, a registry, or an archive of the engine's kind.
        reference: what it is called there, `NAME:TAG`.
        platform: `os/architecture[/variant]`.
        created: seconds since the epoch; the image's only time.
        base: the name of the base, or None.
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
    """What an engine reports of the image that it made; never looked up by a name, which may have moved.

    Attributes:
        image_id: the digest of its config, or what the engine uses as its id.
        digest: the digest of its manifest; None where the engine keeps images without one.
        metadata: what else the engine recorded, under buildx's keys.
        image: the image itself, if m2build made it.
        transfer: what was sent to a registry, if m2build sent it.
    """

    image_id: Digest
    digest: Digest | None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    image: Image | None = None
    transfer: Transfer | None = None


@dataclass(frozen=True)
class Task:
    """Where the image of a plan goes, and how.

    Attributes:
        place: where it goes: a registry, a layout, an archive, or the store of the engine that makes it.
        reference: what it is called there, `NAME:TAG`.
        progress: receives progress.
        access: how registries are reached; None if there are none.
        mount_from: a repository of the target's registry that has the base's layers, or None.
        insecure: whether any registry may speak plain HTTP, or have a certificate of its own.
        may_replace: whether an existing file, or a tag of a layout that names another image, may be replaced.
        is_thin: whether the base's layers are left out.
        policy: what may happen to a tag in a registry.
        known: blobs that the registry has, as has just been found out.
    """

    place: Place
    reference: str
    progress: Progress
    access: Access | None = None
    mount_from: str | None = None
    insecure: bool = False
    may_replace: bool = False
    is_thin: bool = False
    policy: TagPolicy = TagPolicy.MOVE
    known: frozenset[Digest] = frozenset()

    @property
    def tag(self) -> str:
        """The tag of the reference."""
        return self.reference.rpartition(":")[2]


class Engine(Protocol):
    """It makes the image of a plan and delivers it."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def store(self) -> PlaceKind | None:
        """What places in its own image store are called; None if it has none."""

    @property
    def copies(self) -> bool:
        """Whether m2build itself copies the base's layers, so that layers it has read are kept for that."""

    def probe(self) -> str:
        """Check that it is installed, answers and is new enough; returns what was found, with versions.

        Raises:
            EngineError: it is not; the message says what was found, the hint how to install what is needed.
        """

    def look_at(self, base: Base, selections: Sequence[Selection], task: Task, *, fetches: bool) -> Base:
        """The base with its files as this engine has them.

        Args:
            base: the base.
            selections: what is derived from it: where its sources are, and where images start.
            task: how the image will be delivered.
            fetches: whether the engine may fetch the base.

        Raises:
            EngineError: the engine cannot fetch the base.
            ContentError: what it copies out of it is damaged.
        """

    def preview(self, plan: Plan) -> Image | None:
        """The image that it would make; None if only the build can show it."""

    def holds(self, base: Base) -> bool:
        """Whether it has the base's layers in its own store."""

    def make(self, plan: Plan, task: Task) -> Built:
        """Make the image of a plan, and put it where the task says.

        Raises:
            UsageError: something else is at the place, or the engine cannot pull the base.
            PatchError: the base has something that a Dockerfile cannot keep or undo.
            EngineError: a container engine fails.
            TransportError: a registry does not accept the image.
            ContentError: a blob is not what it should be.
            StorageError: the place cannot be written.
        """


def losing_annotations(keys: Iterable[str]) -> str:
    """A sentence on annotations that the image cannot have; the reason follows."""
    return f"the image gets no annotations ({', '.join(keys)}); labels are kept everywhere"
