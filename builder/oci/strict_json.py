"""JSON of images, read as every tool reads it, or refused.

Python's reader takes more than JSON (RFC 8259) is: `NaN`, numbers beyond all bounds, halves of surrogate pairs. That of
Go, in docker, podman, crane and skopeo, does not look at the case of keys, and takes the last of two of one name. What
two readers would take for two things is refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from m2build.errors import ContentError
from m2build.oci.descriptor import JsonObject
from m2build.oci.digest import Digest

LARGEST_DOCUMENT = 4 << 20
"""Bytes of a manifest, an index or a config; registries refuse larger manifests, skopeo and podman larger configs."""
_MOST_CONTAINERS = 100_000
"""Lists and objects in one document; an image of 127 layers has some hundreds."""
_WHOLE_NUMBERS = 1 << 63
"""Go's int64 ends there."""


@dataclass(frozen=True)
class Shape:
    """What a value is where a specification knows it; null may stand everywhere, as for Go.

    Attributes:
        kind: its type, as Python has it.
        called: its type, for messages.
        members: of an object, the keys that are known, and what stands behind them.
        each: of a list or an object, what all of its items or values are.
    """

    kind: type
    called: str
    members: Mapping[str, Shape] = field(default_factory=dict)
    each: Shape | None = None


TEXT, NUMBER, FLAG = Shape(str, "a string"), Shape(int, "a whole number"), Shape(bool, "true or false")


def known(**members: Shape) -> Shape:
    """An object of which some keys are known."""
    return Shape(dict, "an object", members)


def list_of(item: Shape) -> Shape:
    """A list."""
    return Shape(list, "a list", each=item)


def map_of(value: Shape) -> Shape:
    """An object whose keys are anybody's."""
    return Shape(dict, "an object", each=value)


def parse_object(raw: bytes, what: str, shape: Shape) -> JsonObject:
    """Read a JSON object.

    Args:
        raw: its bytes.
        what: what it is, for messages.
        shape: what is known of it.

    Raises:
        ContentError: it is none, too large, or could be read as two things.
    """
    document = parse_json(raw, what, shape)
    if not isinstance(document, dict):
        raise ContentError(f"the {what} {Digest.of(raw)} is not a JSON object")
    return document


def parse_json(raw: bytes, what: str, shape: Shape) -> object:
    """Read JSON, which may be a list as well.

    Raises:
        ContentError: it is none, too large, or could be read as two things.
    """
    if len(raw) > LARGEST_DOCUMENT:
        raise ContentError(f"the {what} is larger than {LARGEST_DOCUMENT} bytes, and no image needs that")
    named = f"the {what} {Digest.of(raw)}"
    if raw.count(b"[") + raw.count(b"{") > _MOST_CONTAINERS:
        raise ContentError(f"{named} has more than {_MOST_CONTAINERS} lists and objects, and no image needs that")
    try:
        document: object = json.loads(
            raw.decode(), object_pairs_hook=_without_twins, parse_float=_finite, parse_constant=_no_number
        )
        if b"\\u" in raw:
            json.dumps(document, ensure_ascii=False).encode()
        _check(document, shape, "it")
    except UnicodeEncodeError as error:
        raise ContentError(f"{named} holds half of a surrogate pair, which is no character") from error
    except (ValueError, RecursionError) as error:
        raise ContentError(f"{named} is not JSON: {error}") from error
    return document


def _without_twins(pairs: list[tuple[str, object]]) -> JsonObject:
    """An object's members; readers differ in which of two of one name they take."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands there twice")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is beyond all bounds")
    return number


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _check(value: object, shape: Shape, place: str) -> None:
    """See that a value is what it has to be, and that no key is another case of one that is known.

    Raises:
        ContentError: it is not.
    """
    if value is None:
        return
    if type(value) is not shape.kind or (type(value) is int and not -_WHOLE_NUMBERS <= value < _WHOLE_NUMBERS):
        raise ContentError(f"{place} is not {shape.called}, and every tool expects that there")
    if isinstance(value, dict):
        folded = {key.casefold(): key for key in shape.members}
        for key, item in value.items():
            meant = folded.get(key.casefold(), key)
            if meant != key:
                raise ContentError(f"{place} has a key {key!r}, which some tools take for {meant!r} and some do not")
            inner = shape.members.get(key, shape.each)
            if inner:
                _check(item, inner, f"{place}[{key[:100]!r}]")
    elif isinstance(value, list) and shape.each:
        for number, item in enumerate(value):
            _check(item, shape.each, f"{place}[{number}]")
