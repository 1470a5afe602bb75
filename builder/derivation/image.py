"""The embedded engine: from a plan to an image, without any daemon.

Lower layers are the base's own, by descriptor; nothing of them is read, unpacked or written here.
"""

from __future__ import annotations

from m2build.derivation.config import derive_config
from m2build.derivation.overlay import make_overlay
from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Image, MemoryBlobs
from m2build.oci.manifest import build_manifest


def build(plan: Plan) -> Image:
    """The image that a plan describes, with the base's kind of media types. Pure.

    Raises:
        UsageError: the base was not read, or is not pinned to a digest.
    """
    base = plan.base.image
    if plan.base.digest is None or base is None:
        raise UsageError(
            "an image cannot be derived from a base whose layers were not read", hint="name the base by its digest"
        )
    return put_on(base, plan)


def put_on(base: Image, plan: Plan) -> Image:
    """The image that a plan describes, on a base that the plan need not be able to name. Pure."""
    types = base.manifest.types
    overlay = make_overlay(plan)
    layer = overlay.descriptor(types)
    config = derive_config(plan, overlay.diff_id)
    manifest = build_manifest(
        types, Descriptor.of(types.config, config.raw), [*base.manifest.layers, layer], plan.annotations
    )
    return Image(manifest, config, MemoryBlobs({layer.digest: overlay.blob}, base.blobs))
