"""The JSON documents of images; what two tools could read differently is refused.

Python accepts more than JSON (RFC 8259): `NaN`, infinite numbers, lone surrogates. Go, in docker, podman, crane and
skopeo, ignores the case of keys, and takes the last of two keys that are equal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from m2build.errors import ContentError
from m2build.oci.descriptor import JsonObject
from m2build.oci.digest import Digest

LARGEST_DOCUMENT = 4 << 20
"""Bytes of a manifest, an index or a config; registries refuse larger manifests, skopeo and podman larger configs."""
_MOST_CONTAINERS = 100_000
"""Lists and objects in one document; an image of 127 layers has some hundreds."""
_DEEPEST = 100
"""Lists and objects within one another; an image's documents have eight at most, and Python fails at some 500."""
_WHOLE_NUMBERS = 1 << 63
"""Go's int64 ends there."""


@dataclass(frozen=True)
class Shape:
    """The type of a value, after a specification; null is allowed everywhere, as in Go.

    Attributes:
        kind: its type, as Python has it.
        called: the type's name in messages.
        members: the known keys of an object, and the shapes of their values.
        each: the shape of all items of a list, or of all values of an object.
    """

    kind: type
    called: str
    members: Mapping[str, Shape] = field(default_factory=dict)
    each: Shape | None = None


TEXT, NUMBER, FLAG = Shape(str, "a string"), Shape(int, "a whole number"), Shape(bool, "true or false")


def known(**members: Shape) -> Shape:
    """An object with some known keys."""
    return Shape(dict, "an object", members)


def list_of(item: Shape) -> Shape:
    """A list."""
    return Shape(list, "a list", each=item)


def map_of(value: Shape) -> Shape:
    """An object with any keys."""
    return Shape(dict, "an object", each=value)


def parse_object(raw: bytes, what: str, shape: Shape) -> JsonObject:
    """Read a JSON object.

    Args:
        raw: its bytes.
        what: what it is, for messages.
        shape: what is known of it.

    Raises:
        ContentError: it is not JSON, not of that shape, too large, or ambiguous.
    """
    document = parse_json(raw, what, shape)
    if not isinstance(document, dict):
        raise ContentError(f"the {what} {Digest.of(raw)} is not a JSON object")
    return document


def parse_json(raw: bytes, what: str, shape: Shape) -> object:
    """Read JSON, which may be a list as well.

    Raises:
        ContentError: it is not JSON, not of that shape, too large, or ambiguous.
    """
    if len(raw) > LARGEST_DOCUMENT:
        raise ContentError(f"the {what} is larger than {LARGEST_DOCUMENT} bytes, the limit")
    named = f"the {what} {Digest.of(raw)}"
    if raw.count(b"[") + raw.count(b"{") > _MOST_CONTAINERS:
        raise ContentError(f"{named} has more than {_MOST_CONTAINERS} lists and objects, the limit")
    try:
        document: object = json.loads(
            raw.decode(), object_pairs_hook=_without_twins, parse_float=_finite, parse_constant=_no_number
        )
        if b"\\u" in raw:
            json.dumps(document, ensure_ascii=False).encode()
        if _is_deep(document):
            raise ContentError(f"{named} nests lists and objects more than {_DEEPEST} deep, the limit")
        _check(document, shape, f"{named}: it")
    except UnicodeEncodeError as error:
        raise ContentError(f"{named} holds a lone surrogate, which is not a character") from error
    except (ValueError, RecursionError) as error:
        raise ContentError(f"{named} is not JSON: {error}") from error
    return document


def _without_twins(pairs: list[tuple[str, object]]) -> JsonObject:
    """An object's members; of two equal keys some readers take the first, others the last."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has a key twice")
    return members


def _is_deep(document: object) -> bool:
    level = [document]
    for _ in range(_DEEPEST + 1):
        level = [item for value in level if isinstance(value, dict | list) for item in _items(value)]
    return bool(level)


def _items(value: JsonObject | list[object]) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _check(value: object, shape: Shape, place: str) -> None:
    """Check a value's type, and that no key differs from a known one in case only.

    Raises:
        ContentError: a type is wrong, or a key is ambiguous.
    """
    if value is None:
        return
    if type(value) is not shape.kind or (type(value) is int and not -_WHOLE_NUMBERS <= value < _WHOLE_NUMBERS):
        raise ContentError(f"{place} is not {shape.called}")
    if isinstance(value, dict):
        folded = {key.casefold(): key for key in shape.members}
        for key, item in value.items():
            meant = folded.get(key.casefold(), key)
            if meant != key:
                raise ContentError(f"{place} has a key {key!r}, which some tools read as {meant!r}")
            inner = shape.members.get(key, shape.each)
            if inner:
                _check(item, inner, f"{place}[{key[:100]!r}]")
    elif isinstance(value, list) and shape.each:
        for number, item in enumerate(value):
            _check(item, shape.each, f"{place}[{number}]")
