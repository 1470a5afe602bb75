"""Documents checked against a model: one line for each problem, with its position."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from m2build.documents.placed import Document, Position
from m2build.documents.shown import check_text, shortened, shown
from m2build.documents.suggest import did_you_mean, nearest
from m2build.errors import UsageError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ModelType = TypeVar("ModelType", bound=BaseModel)
Keys = tuple[str | int, ...]
"""The path to a value: mapping keys and list positions."""

_MAXIMUM_LINES = 20
"""Problems in a message, one on each line; the others are only counted."""


def validate(document: Document, model: type[ModelType]) -> ModelType:
    """The document as a model.

    Raises:
        UsageError: it does not fit. The message is the first problem, with its position and the nearest valid key; the
            details are the other problems.
    """
    text = json.dumps(document.data)
    if "\\ud" in text:  # a surrogate, alone or one of a pair
        _check_unicode(document)
    try:
        # JSON mode, because there a strict tuple accepts a list.
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        first, *others = _lines(document, model, error.errors(include_url=False, include_input=False))
        raise UsageError(first, details=others) from error


def _check_unicode(document: Document, way: str = "") -> None:
    """Refuse keys and texts that are not UTF-8."""
    named = f"{way}: " if way else ""
    if isinstance(document.value, str):
        check_text(document.value, f"{document.position}: {named}")
    elif isinstance(document.value, dict):
        for key, inner in document.value.items():
            check_text(key, f"{inner.position}: {named}")
            _check_unicode(inner, f"{way}.{shortened(key)}" if way else shortened(key))
    elif isinstance(document.value, list):
        for number, inner in enumerate(document.value):
            _check_unicode(inner, f"{way}.{number}")


def misplaced(message: str, *keys: str) -> PydanticCustomError:
    """What a model's validator raises if the problem is deeper in its value than pydantic can know."""
    return PydanticCustomError("misplaced", "{message}", {"message": message, "keys": keys})


def _lines(document: Document, model: type[BaseModel], found: Sequence[ErrorDetails]) -> Iterator[str]:
    """One line for each position with a problem, and one that counts those beyond the limit."""
    unknown = [problem["loc"] for problem in found if problem["type"] == "extra_forbidden"]
    absent = [problem["loc"] for problem in found if problem["type"] == "missing"]
    meant: set[Keys] = set()
    for keys in unknown[:_MAXIMUM_LINES]:
        known, key = _known_keys(model, keys[:-1]), str(keys[-1])
        meant.add((*keys[:-1], nearest(key, known) or ""))
        yield f"{position_of(document, keys)}: unknown key {did_you_mean(key, known)}"
    # A mistyped key is one mistake, not two.
    absent = [keys for keys in absent if keys not in meant]
    wrong = _wrong(document, found)
    left = max(0, _MAXIMUM_LINES - len(unknown))
    for keys in absent[:left]:
        yield f"{position_of(document, keys)}: the key {shown(str(keys[-1]))} is missing"
    left = max(0, left - len(absent))
    for keys, messages in list(wrong.items())[:left]:
        way = ".".join(shortened(str(key)) for key in keys)
        yield f"{position_of(document, keys)}: {way}{': ' * bool(way)}{_joined(messages)}"
    if (more := len(unknown) + len(absent) + len(wrong) - _MAXIMUM_LINES) > 0:
        yield f"… and {more:,} more problems"


def _wrong(document: Document, found: Sequence[ErrorDetails]) -> dict[Keys, list[str]]:
    """The problems with values, by their positions."""
    wrong: dict[Keys, list[str]] = {}
    for problem in found:
        if problem["type"] not in ("extra_forbidden", "missing"):
            keys = problem["loc"] + problem.get("ctx", {}).get("keys", ())
            spelled = tuple(key for key, _ in document.along(keys))
            wrong.setdefault(spelled, []).append(problem["msg"].removeprefix("Value error, "))
    # A union reports a problem for each of its branches; the branch that went deeper into the value fits best.
    above = {keys[:length] for keys in wrong for length in range(len(keys))}
    return {keys: messages for keys, messages in wrong.items() if keys not in above}


def position_of(document: Document, keys: Keys) -> Position:
    """The position of a value, or of the nearest enclosing one that exists."""
    place = document.position
    for _, found in document.along(keys):
        place = found.position
    return place


def _joined(messages: list[str]) -> str:
    """The messages of a union's branches as one: what its value may be, unless one says more than that."""
    start = "Input should be "
    specific = [message for message in messages if not message.startswith(start)]
    if specific or len(messages) == 1:
        return "; ".join(specific or messages)
    *others, last = (message.removeprefix(start) for message in messages)
    return f"{start}{', '.join(others)} or {last}"


def _known_keys(model: type[BaseModel], keys: Keys) -> list[str]:
    """The keys that are valid at a position."""
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
