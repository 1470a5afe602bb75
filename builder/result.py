"""What a build came to, under the keys that buildx's metadata file uses, so that existing CI parsers work."""

from __future__ import annotations

from pydantic import JsonValue

from m2build.oci.image import Image
from m2build.plan import Plan


def metadata(plan: Plan, image: Image, name: str) -> dict[str, JsonValue]:
    """The content of `--metadata-file`: buildx's keys, then ours under `m2build.`."""
    descriptor = image.manifest.descriptor
    layer = image.manifest.layers[-1]
    patches: list[JsonValue] = [
        {"id": result.patch.id, "outcome": str(result.outcome)} for result in plan.changeset.results
    ]
    return {
        "containerimage.config.digest": str(image.manifest.config.digest),
        "containerimage.descriptor": {
            "mediaType": descriptor.media_type,
            "digest": str(descriptor.digest),
            "size": descriptor.size,
        },
        "containerimage.digest": str(descriptor.digest),
        "image.name": name,
        "m2build.base": {"name": plan.base.name, "digest": str(plan.base.digest), "standIn": plan.base.stand_in},
        "m2build.layer": {
            "diffId": str(image.config.diff_ids[-1]),
            "digest": str(layer.digest),
            "size": layer.size,
        },
        "m2build.patches": patches,
        "m2build.plan": str(plan.digest),
        "m2build.profile": plan.selection.profile_id,
        "m2build.schemaVersion": 1,
    }
