"""The history of an image (OCI image specification, config.md), where it disagrees with the layers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from m2build.oci.descriptor import JsonObject

_UNKNOWN = "m2build: a layer of which the base's history tells nothing"
_MEMBERS = frozenset({"author", "comment", "created_by", "empty_layer"})
"""What an entry may have beside its time (config.md); engines leave out what is empty, and what they do not know."""
_TIME = re.compile(r"(.*)\.([0-9]+)(Z|[+-][0-9:]+)", re.DOTALL)
_NO_TIMES = (None, "", "0001-01-01T00:00:00Z")
"""How an entry without a time is written; the last is Go's, as by crane."""


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


def begins_with(history: Sequence[JsonObject], beginning: Sequence[JsonObject]) -> bool:
    """Whether a history begins with the entries of another one, as they are or as a container engine copies them.

    Engines write every entry anew: without what is empty or unknown to them, without zeros at the end of a time, and
    with some time where there is none (BuildKit, exporter/containerimage/writer.go, `normalizeLayersAndHistory`).
    """
    return len(history) >= len(beginning) and all(map(_is_copy, history, beginning))


def _is_copy(entry: JsonObject, original: JsonObject) -> bool:
    if original.get("created") not in _NO_TIMES and _time(entry.get("created")) != _time(original.get("created")):
        return False
    for key in (entry.keys() | original.keys()) - {"created"}:
        copy, value = entry.get(key), original.get(key)
        if copy != value and (copy or (value and key in _MEMBERS)):
            return False
    return True


def _time(text: object) -> object:
    """A time as Go writes it: without zeros at the end of its fraction, and with `Z` for UTC."""
    if not isinstance(text, str):
        return text
    if match := _TIME.fullmatch(text):
        fraction = match[2].rstrip("0")
        text = match[1] + f".{fraction}" * bool(fraction) + match[3]
    return re.sub(r"[+-]00:00$", "Z", text)
