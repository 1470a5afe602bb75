"""What Docker and podman have in common: both build a plan's rendered Dockerfile in a temporary folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from m2build.base.model import Base
from m2build.derivation.plan import Plan
from m2build.engines.model import Built, Order, Task, losing_annotations
from m2build.engines.nearby import is_held, place_in, with_nearby_files
from m2build.local.temporary import temporary_folder
from m2build.oci.image import Image
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image, write_image
from m2build.progress import Progress
from m2build.recipes.model import Selection
from m2build.rendering.context import render


class ContainerEngine(ABC):
    """An engine that builds Dockerfiles.

    Attributes:
        name: what it is called.
        store: what places in its own image store are called.
        archive: what kind of archive it writes.
        copies: False, as the engine itself moves the base's layers.
    """

    name: ClassVar[str]
    store: ClassVar[PlaceKind]
    archive: ClassVar[PlaceKind]
    copies: ClassVar[bool] = False

    @property
    @abstractmethod
    def builds_from_its_store(self) -> bool:
        """Whether it pulls a base into its own store."""

    @abstractmethod
    def build(self, context: Path, order: Order, progress: Progress) -> Built:
        """Build a context, deliver the image, and report what the engine prints.

        Raises:
            EngineError: the build failed; the message holds the failing step and what it printed.
        """

    def look_at(self, base: Base, selections: Sequence[Selection], task: Task, *, fetches: bool) -> Base:
        """The base with its files as the engine's store has them: 20 GB are not fetched twice.

        Raises:
            EngineError: the engine cannot fetch the base.
            ContentError: what it copies out of it is damaged.
        """
        return with_nearby_files(base, self._nearby(base), selections, task, fetches=fetches)

    def preview(self, plan: Plan) -> Image | None:  # noqa: ARG002 - of Engine
        """None: the engine makes its own layer."""
        return None

    def holds(self, base: Base) -> bool:
        """Whether the engine has the base's layers in the store that it builds from."""
        return is_held(base, self._nearby(base))

    def make(self, plan: Plan, task: Task) -> Built:
        """Build a plan's image, and put it where the task says.

        Raises:
            UsageError: the engine cannot pull the base, or something else is at the place.
            PatchError: the base has something that a Dockerfile cannot keep or undo.
            EngineError: the build failed.
            StorageError: the place cannot be written.
        """
        if left_out := plan.selection.settings.annotations:
            task.progress.notice(f"{losing_annotations(left_out)}: {self.name} builds from a Dockerfile")
        platform = plan.base.config.platform
        order = Order(task.place, task.reference, platform, plan.created, plan.base.source, task.insecure)
        with temporary_folder() as folder:
            context = folder / "context"
            render(plan).write(context)
            if task.place.kind in (self.store, PlaceKind.REGISTRY):
                return self.build(context, order, task.progress)
            return self._stored(context, order, folder / "image.tar", task)

    def _nearby(self, base: Base) -> Place | None:
        return place_in(self.store, base) if self.builds_from_its_store else None

    def _stored(self, context: Path, order: Order, archive: Path, task: Task) -> Built:
        """Build into an archive of the engine's own kind, and copy the image from it to its destination."""
        between = Place(self.archive, str(archive))
        built = self.build(context, replace(order, place=between), task.progress)
        image = read_image(between, order.platform).image
        names = {"tag": task.tag, "reference": task.reference}
        write_image(image, task.place, **names, replace=task.may_replace, progress=task.progress)
        return replace(built, digest=image.manifest.digest)
