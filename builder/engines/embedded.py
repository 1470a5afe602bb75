"""The embedded engine: m2build itself makes the image and sends what is new, without any daemon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import JsonValue

from m2build.base.model import Base
from m2build.derivation.image import build
from m2build.derivation.plan import Plan
from m2build.engines.model import Built, Task, losing_annotations
from m2build.oci.image import Image
from m2build.oci.reference import parse_reference
from m2build.places.place import PlaceKind

if TYPE_CHECKING:
    from m2build.recipes.model import Selection


@dataclass(frozen=True)
class Embedded:
    """The engine that is always available. It has no image store of its own."""

    name = "embedded"
    store = None
    copies = True

    def probe(self) -> str:
        """The name for messages."""
        return "m2build itself"

    def look_at(
        self,
        base: Base,
        selections: Sequence[Selection],  # noqa: ARG002 - of Engine
        task: Task,  # noqa: ARG002 - of Engine
        *,
        fetches: bool,  # noqa: ARG002 - of Engine
    ) -> Base:
        """The base itself: its layers are read where they are."""
        return base

    def preview(self, plan: Plan) -> Image | None:
        """The image, if the base's layers are known."""
        return build(plan) if plan.base.image else None

    def holds(self, base: Base) -> bool:  # noqa: ARG002 - of Engine
        """It has no store."""
        return False

    def make(self, plan: Plan, task: Task) -> Built:
        """Derive the image, and write it to a layout or an archive, or push what a registry lacks.

        Raises:
            UsageError: something else is at the destination, or the base is not pinned.
            TransportError: the registry does not accept the image.
            ContentError: a blob is not what it should be.
            StorageError: the place cannot be written.
        """
        image = build(plan)
        left_out = plan.selection.settings.annotations
        if left_out and not image.manifest.types.has_annotations:
            task.progress.notice(f"{losing_annotations(left_out)}: the base's manifest is of Docker's kind")
        if task.is_thin:
            image = replace(image, absent=frozenset(layer.digest for layer in image.manifest.layers[:-1]))
        descriptor = image.manifest.descriptor
        said: dict[str, JsonValue] = {
            "mediaType": descriptor.media_type,
            "digest": str(descriptor.digest),
            "size": descriptor.size,
        }
        metadata: dict[str, JsonValue] = {"containerimage.descriptor": said}
        made = Built(image.manifest.config.digest, descriptor.digest, metadata, image)
        if task.place.kind is PlaceKind.REGISTRY and task.access is not None:
            from m2build.registry.push import push_image  # an HTTP library is slow to import

            reference = parse_reference(task.reference)
            moved = push_image(
                image, reference, task.access, task.progress,
                mount_from=task.mount_from, policy=task.policy, known=task.known,
            )  # fmt: skip
            return replace(made, transfer=moved)
        from m2build.places.transports import write_image

        names = {"tag": task.tag, "reference": task.reference}
        write_image(image, task.place, **names, replace=task.may_replace, progress=task.progress)
        return made
