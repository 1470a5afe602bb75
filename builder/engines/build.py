"""Building plans with a container engine: the one rendering, in a folder of its own while it is built."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from m2build.derivation.plan import Plan
from m2build.derivation.result import Origin
from m2build.engines.model import Built, Engine, Order
from m2build.local.temporary import temporary_folder
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image, write_image
from m2build.progress import Progress
from m2build.rendering.context import render


@dataclass(frozen=True)
class EngineResult:
    """An image that a container engine built, and how it came about.

    Attributes:
        engine: the engine's name.
        reference: what the image is called.
        built: what the engine says of it.
        origin: how it came about.
    """

    engine: str
    reference: str
    built: Built
    origin: Origin

    def metadata(self) -> dict[str, JsonValue]:
        """The content of `--metadata-file`: the engine's own, under buildx's keys, then ours under `m2build.`."""
        built = self.built
        document: dict[str, JsonValue] = {
            "image.name": self.reference,
            **built.metadata,
            "containerimage.config.digest": str(built.image_id),
            "containerimage.digest": str(built.digest or built.image_id),
            "m2build.engine": self.engine,
            **self.origin.account(),
        }
        return dict(sorted(document.items()))


def build_with(engine: Engine, plan: Plan, order: Order, *, replace: bool, progress: Progress) -> EngineResult:
    """Build a plan's image with a container engine, and put it where the order says.

    Args:
        engine: the engine, which has been probed.
        plan: the plan.
        order: what the image is called, and where it goes.
        replace: whether an existing file, or a tag of a layout that names another image, may be replaced.
        progress: is told what the engine says.

    Raises:
        UsageError: no engine can pull the base, or something else is at the place.
        PatchError: the base has something that a Dockerfile cannot keep or cannot take back.
        EngineError: the build failed.
        StorageError: the place cannot be written.
    """
    with temporary_folder() as folder:
        context = _filled(folder / "context", render(plan))
        if order.place.kind in (engine.store, PlaceKind.REGISTRY):
            built = engine.build(context, order, progress)
        else:
            built = _stored(engine, context, order, folder / "image.tar", replace=replace, progress=progress)
    return EngineResult(engine.name, order.reference, built, Origin.of(plan))


def _filled(folder: Path, files: Mapping[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def _stored(engine: Engine, context: Path, order: Order, archive: Path, *, replace: bool, progress: Progress) -> Built:
    """Have the engine write an archive of its own kind, and take the image from there to where it goes."""
    between = Place(engine.archive, str(archive))
    built = engine.build(context, dataclasses.replace(order, place=between), progress)
    image = read_image(between, order.platform).image
    tag = order.reference.rpartition(":")[2]
    write_image(image, order.place, tag=tag, reference=order.reference, replace=replace, progress=progress)
    return dataclasses.replace(built, digest=image.manifest.digest)
