"""The history of an image (OCI image specification, config.md), where it disagrees with the layers."""

from __future__ import annotations

from collections.abc import Sequence

from m2build.oci.descriptor import JsonObject

_UNTOLD = "m2build: a layer of which the base's history tells nothing"


def mended(history: Sequence[JsonObject], layers: int) -> list[JsonObject]:
    """A history that tells of as many layers as there are: as it is, where it does.

    Otherwise it is mended as BuildKit does it: what it tells beyond the layers counts as having made none, and layers
    that it does not reach get an entry each.
    """
    result: list[JsonObject] = []
    told = 0
    for entry in history:
        has_layer = not entry.get("empty_layer")
        result.append({**entry, "empty_layer": True} if has_layer and told == layers else entry)
        told += has_layer and told < layers
    return result + [{"created_by": _UNTOLD}] * (layers - told)
