"""What a derivation came to, and its account under the keys of buildx's metadata file, which CI systems read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pydantic import JsonValue

from m2build.base.model import Base
from m2build.oci.image import Image

if TYPE_CHECKING:
    from m2build.plan import Plan
    from m2build.registry.push import Transfer


@dataclass(frozen=True)
class Result:
    """A derived image and how it came about.

    Attributes:
        image: the image.
        base: what it was derived from.
        profile: the profile's id.
        plan: the plan's digest.
        patches: each patch's id and outcome, in the series' order.
    """

    image: Image
    base: Base
    profile: str
    plan: str
    patches: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, plan: Plan, image: Image) -> Result:
        """The result of a plan."""
        patches = tuple((result.patch.id, str(result.outcome)) for result in plan.changeset.results)
        return cls(image, plan.base, plan.selection.profile_id, str(plan.digest), patches)


def metadata(result: Result, name: str, transfer: Transfer | None = None) -> dict[str, JsonValue]:
    """The content of `--metadata-file`: buildx's keys, then ours under `m2build.`; what a push moved, if it was one."""
    image, base = result.image, result.base
    descriptor, layer = image.manifest.descriptor, image.manifest.layers[-1]
    moved: dict[str, JsonValue] = {"m2build.transfer": {**asdict(transfer)}} if transfer else {}
    return {
        "containerimage.config.digest": str(image.manifest.config.digest),
        "containerimage.descriptor": {
            "mediaType": descriptor.media_type,
            "digest": str(descriptor.digest),
            "size": descriptor.size,
        },
        "containerimage.digest": str(descriptor.digest),
        "image.name": name,
        "m2build.base": {"name": base.name, "digest": str(base.digest), "standIn": base.stand_in},
        "m2build.layer": {
            "diffId": str(image.config.diff_ids[-1]),
            "digest": str(layer.digest),
            "size": layer.size,
        },
        "m2build.patches": [{"id": patch, "outcome": outcome} for patch, outcome in result.patches],
        "m2build.plan": result.plan,
        "m2build.profile": result.profile,
        "m2build.schemaVersion": 1,
        **moved,
    }
