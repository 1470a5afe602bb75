"""Making images and bringing them to where they go: by the embedded engine, or by a container engine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.cli.destination import Destination
from m2build.oci.reference import parse_reference
from m2build.places import PlaceKind

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.engines.model import Engine
    from m2build.plan import Plan
    from m2build.progress import Progress
    from m2build.recipes.model import Selection
    from m2build.registry.access import Access
    from m2build.registry.push import Transfer
    from m2build.result import Result


@dataclass(frozen=True)
class Delivered:
    """An image that is where it goes.

    Attributes:
        name: what it can be had by: `NAME@DIGEST`, or its id from an engine that keeps images without a digest.
        image_id: the digest of its config.
        account: the content of `--metadata-file`.
    """

    name: str
    image_id: str
    account: Mapping[str, object]


@dataclass(frozen=True)
class Carrier:
    """How the images of one base are made and brought to where they go.

    Attributes:
        base: the base.
        replace: whether an existing file, or a tag of a layout that names another image, may be replaced.
        insecure: whether any registry may speak plain HTTP, or have a certificate of its own.
        access: how registries are reached; None if there are none.
        progress: is told what is going on.
    """

    base: Base
    replace: bool
    insecure: bool
    access: Access | None
    progress: Progress

    def derive(self, selections: Sequence[Selection], to: Sequence[Destination], *, is_thin: bool) -> list[Delivered]:
        """Derive images without any container engine; thin ones leave the base's layers out."""
        from m2build.derived import derive_images
        from m2build.stores.thin import thin

        results = derive_images(selections, self.base, environment=os.environ, progress=self.progress)
        pairs = zip(results, to, strict=True)
        return [self._delivered(thin(result) if is_thin else result, place) for result, place in pairs]

    def build(self, engine: Engine, selections: Sequence[Selection], to: Sequence[Destination]) -> list[Delivered]:
        """Have a container engine build images, one after the other."""
        from m2build.derive import derive_all  # codemods take their time to be imported
        from m2build.engines.nearby import looked_at_nearby

        root = selections[0].recipe.base.source_root
        base = looked_at_nearby(self.base, engine, root, self.progress, insecure=self.insecure)
        plans = derive_all(selections, base, environment=os.environ, progress=self.progress)
        return [self._built(engine, plan, place) for plan, place in zip(plans, to, strict=True)]

    def _delivered(self, result: Result, to: Destination) -> Delivered:
        from m2build.result import metadata

        account = metadata(result, to.reference, self._put(result, to))
        manifest = result.image.manifest
        return Delivered(f"{to.name}@{manifest.digest}", str(manifest.config.digest), account)

    def _put(self, result: Result, to: Destination) -> Transfer | None:
        if to.place.kind is not PlaceKind.REGISTRY or self.access is None:
            from m2build.stores.places import write_image

            names = {"tag": to.tag, "reference": to.reference}
            write_image(result.image, to.place, **names, replace=self.replace, progress=self.progress)
            return None
        from m2build.registry.push import push_image

        target, name = parse_reference(to.reference), result.origin.base.name
        base = parse_reference(name) if name else None
        mount_from = base.repository if base and base.registry == target.registry else None
        return push_image(result.image, target, self.access, self.progress, mount_from=mount_from)

    def _built(self, engine: Engine, plan: Plan, to: Destination) -> Delivered:
        from m2build.engines.dockerfile import build_with
        from m2build.engines.model import Order

        platform = plan.base.image.config.platform
        order = Order(to.place, to.reference, platform, plan.created, insecure=self.insecure)
        result = build_with(engine, plan, order, replace=self.replace, progress=self.progress)
        digest, image_id = result.built.digest, str(result.built.image_id)
        return Delivered(f"{to.name}@{digest}" if digest else image_id, image_id, result.metadata())
