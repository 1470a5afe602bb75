"""Documents held to a model, and what is wrong with them: one line a problem, with its place."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import PydanticCustomError

from m2build.documents import Document, Keys
from m2build.errors import UsageError
from m2build.suggest import did_you_mean, nearest

ModelType = TypeVar("ModelType", bound=BaseModel)


def validate(document: Document, model: type[ModelType]) -> ModelType:
    """The document as a model.

    Raises:
        UsageError: it does not fit; the message is the first problem, with its place and the nearest valid key, and the
            details are the others.
    """
    try:
        # JSON mode, because there a strict tuple takes a list.
        return model.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        first, *others = _problems(document, model, error)
        raise UsageError(first, details=others) from error


def misplaced(message: str, *keys: str) -> PydanticCustomError:
    """What a model's validator raises if the problem stands deeper in its value than pydantic can know."""
    return PydanticCustomError("misplaced", "{message}", {"message": message, "keys": keys})


def _problems(document: Document, model: type[BaseModel], error: ValidationError) -> Iterator[str]:
    """One line for each place at which something is wrong."""
    wrong: dict[Keys, list[str]] = {}
    meant: set[Keys] = set()
    for problem in sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden"):
        keys = problem["loc"]
        place = document.place(_spelled(document.data, keys))
        if problem["type"] == "extra_forbidden":
            known = _known_keys(model, keys[:-1])
            meant.add((*keys[:-1], nearest(str(keys[-1]), known) or ""))
            yield f"{place}: unknown key {did_you_mean(str(keys[-1]), known)}"
        elif problem["type"] == "missing":
            # A mistyped key is one mistake and not two.
            if keys not in meant:
                yield f"{place}: the key {str(keys[-1])!r} is missing"
        else:
            keys = _spelled(document.data, keys + problem.get("ctx", {}).get("keys", ()))
            wrong.setdefault(keys, []).append(problem["msg"].removeprefix("Value error, "))
    for keys, messages in wrong.items():
        # A union complains once for each of its branches; one that looked deeper into the value knows best.
        if any(len(keys) < len(other) and keys == other[: len(keys)] for other in wrong):
            continue
        way = ".".join(str(key) for key in keys)
        yield f"{document.place(keys)}: {way}{': ' * bool(way)}{_joined(messages)}"


def _spelled(data: JsonValue, keys: Keys) -> Keys:
    """The part of pydantic's location that stands in the document: without the names of a union's branches."""
    way: list[str | int] = []
    for key in keys:
        members = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
        for name, member in members:
            if name == key:
                data = member
                way.append(key)
                break
    return tuple(way)


def _joined(messages: list[str]) -> str:
    """The complaints of a union's branches as one: what its value may be, unless one says more than that."""
    start = "Input should be "
    telling = [message for message in messages if not message.startswith(start)]
    if telling or len(messages) == 1:
        return "; ".join(telling or messages)
    *others, last = (message.removeprefix(start) for message in messages)
    return f"{start}{', '.join(others)} or {last}"


def _known_keys(model: type[BaseModel], keys: Keys) -> list[str]:
    """The keys that are valid at a place."""
    found: list[object] = [model]
    for key in keys:
        found = [inner for outer in found for inner in _inner_types(outer, key)]
    return sorted(
        {name for kind in found if isinstance(kind, type) and issubclass(kind, BaseModel) for name in kind.model_fields}
    )


def _inner_types(outer: object, key: str | int) -> Iterator[object]:
    if isinstance(outer, type) and issubclass(outer, BaseModel):
        if key in outer.model_fields:
            yield from _branches(outer.model_fields[str(key)].annotation)
        return
    arguments = get_args(outer)
    if arguments and get_origin(outer) in (dict, Mapping):
        yield from _branches(arguments[-1])
    elif arguments:
        yield from _branches(arguments[0])


def _branches(annotation: object) -> Iterator[object]:
    if get_origin(annotation) is Annotated:
        yield from _branches(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for branch in get_args(annotation):
            yield from _branches(branch)
    else:
        yield annotation
