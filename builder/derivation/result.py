"""What a derivation came to, and its account under the keys of buildx's metadata file, which CI systems read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pydantic import JsonValue

from m2build.base.model import Base
from m2build.oci.image import Image

if TYPE_CHECKING:
    from m2build.derivation.plan import Plan
    from m2build.registry.push import Transfer


@dataclass(frozen=True)
class Origin:
    """How an image came about.

    Attributes:
        base: what it was derived from.
        profile: the profile's id.
        plan: the plan's digest.
        patches: each patch's id and outcome, in the series' order.
    """

    base: Base
    profile: str
    plan: str
    patches: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, plan: Plan) -> Origin:
        """The origin of a plan's image."""
        patches = tuple((result.patch.id, str(result.outcome)) for result in plan.changeset.results)
        return cls(plan.base, plan.selection.profile_id, str(plan.digest), patches)

    def account(self) -> dict[str, JsonValue]:
        """Its members of a metadata file."""
        return {
            "m2build.base": {
                "name": self.base.name,
                "digest": str(self.base.digest) if self.base.digest else None,
                "standIn": self.base.stand_in,
            },
            "m2build.patches": [{"id": patch, "outcome": outcome} for patch, outcome in self.patches],
            "m2build.derivation.plan": self.plan,
            "m2build.profile": self.profile,
            "m2build.schemaVersion": 1,
        }


@dataclass(frozen=True)
class Result:
    """A derived image and how it came about."""

    image: Image
    origin: Origin


def metadata(result: Result, name: str, transfer: Transfer | None = None) -> dict[str, JsonValue]:
    """The content of `--metadata-file`: buildx's keys, then ours under `m2build.`; what a push moved, if it was one."""
    image = result.image
    descriptor, layer = image.manifest.descriptor, image.manifest.layers[-1]
    moved: dict[str, JsonValue] = {"m2build.transfer": {**asdict(transfer)}} if transfer else {}
    document: dict[str, JsonValue] = {
        "containerimage.config.digest": str(image.manifest.config.digest),
        "containerimage.descriptor": {
            "mediaType": descriptor.media_type,
            "digest": str(descriptor.digest),
            "size": descriptor.size,
        },
        "containerimage.digest": str(descriptor.digest),
        "image.name": name,
        "m2build.engine": "embedded",
        "m2build.layer": {
            "diffId": str(image.config.diff_ids[-1]),
            "digest": str(layer.digest),
            "size": layer.size,
        },
        **result.origin.account(),
        **moved,
    }
    return dict(sorted(document.items()))
