"""The history of an image (OCI image specification, config.md), where it disagrees with the layers."""

from __future__ import annotations

from collections.abc import Sequence

from m2build.oci.descriptor import JsonObject

_UNKNOWN = "m2build: a layer of which the base's history tells nothing"


def mended(history: Sequence[JsonObject], layers: int) -> list[JsonObject]:
    """A history with one entry for each layer: unchanged where it has that already.

    Otherwise it is mended as BuildKit does it: entries beyond the last layer are marked `empty_layer`, and layers
    without an entry get one each.
    """
    result: list[JsonObject] = []
    known = 0
    for entry in history:
        has_layer = not entry.get("empty_layer")
        result.append({**entry, "empty_layer": True} if has_layer and known == layers else entry)
        known += has_layer and known < layers
    return result + [{"created_by": _UNKNOWN}] * (layers - known)
