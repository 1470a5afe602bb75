"""A delivered image: its reference, and its account under the keys of buildx's metadata file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from m2build.delivery.destination import Destination
from m2build.oci.digest import Digest

if TYPE_CHECKING:
    from pydantic import JsonValue

    from m2build.derivation.plan import Plan
    from m2build.engines.model import Built
    from m2build.oci.artifact import Artifact
    from m2build.oci.image import Image


@dataclass(frozen=True)
class Delivery:
    """An image at its destination.

    Attributes:
        to: where it is, and its name there.
        engine: what made it: `embedded`, `docker` or `podman`.
        built: what the engine reported.
        plan: what it was made from; None for an existing image that was published.
        before: the image that its name meant before; None if there was none, or it cannot be known.
        now: the image that its name means now.
        evidence: what has been attached to it, or was attached already, of what this run made.
    """

    to: Destination
    engine: str
    built: Built
    plan: Plan | None = field(repr=False)
    before: Digest | None
    now: Digest
    evidence: tuple[Artifact, ...] = ()

    @property
    def reference(self) -> str:
        """How to refer to the image: `NAME@DIGEST` in a registry or an engine, else the place with the digest."""
        return self.to.published(self.built.digest, self.built.image_id)

    @property
    def digest(self) -> str | None:
        """The digest of its manifest; None where an engine keeps images without one."""
        return str(self.built.digest) if self.built.digest else None

    @property
    def image_id(self) -> str:
        """The digest of its config, by which engines call it."""
        return str(self.built.image_id)

    @property
    def moved(self) -> str | None:
        """A sentence about a name that named another image before; None if it did not."""
        if self.before is None or self.before == self.now:
            return None
        return f"{self.to.stored} named {self.before} before, and names {self.now} now"

    def metadata(self) -> dict[str, JsonValue]:
        """The content of `--metadata-file`: buildx's keys, which CI systems read, then ours under `m2build.`."""
        built = self.built
        document: dict[str, JsonValue] = {
            "image.name": self.to.reference,
            **built.metadata,
            "containerimage.config.digest": str(built.image_id),
            "containerimage.digest": str(built.digest or built.image_id),
            "m2build.engine": self.engine,
            **(_layer(built.image) if built.image and self.plan else {}),
            **(_origin(self.plan) if self.plan else {}),
            **({"m2build.evidence": [*map(_attached, self.evidence)]} if self.evidence else {}),
            **({"m2build.transfer": {**asdict(built.transfer)}} if built.transfer else {}),
        }
        return dict(sorted(document.items()))


def _attached(artifact: Artifact) -> JsonValue:
    predicate: dict[str, JsonValue] = {"predicateType": artifact.predicate_type} if artifact.predicate_type else {}
    return {"artifactType": artifact.artifact_type, **predicate, "digest": str(artifact.manifest.digest)}


def _layer(image: Image) -> dict[str, JsonValue]:
    layer = image.manifest.layers[-1]
    return {
        "m2build.layer": {
            "diffId": str(image.config.diff_ids[-1]),
            "digest": str(layer.digest),
            "size": layer.size,
        }
    }


def _origin(plan: Plan) -> dict[str, JsonValue]:
    base = plan.base
    return {
        "m2build.base": {
            "name": base.name,
            "digest": str(base.digest) if base.digest else None,
            "standIn": base.stand_in,
        },
        "m2build.patches": [
            {"id": result.patch.id, "outcome": str(result.outcome), **({"source": source.name} if source.name else {})}
            for source in plan.sources
            for result in source.changeset.results
        ],
        "m2build.derivation.plan": str(plan.digest),
        "m2build.profile": plan.selection.profile_id,
        "m2build.schemaVersion": 1,
    }
