"""YAML documents whose every key and value knows where it stands, and their validation against a model.

Text in, value out: nothing is read or written here.
"""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Protocol, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import PydanticCustomError

from m2build.errors import UsageError
from m2build.suggest import did_you_mean, nearest

Keys = tuple[str | int, ...]
"""The way to a value: mapping keys and list positions."""

ModelType = TypeVar("ModelType", bound=BaseModel)

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAXIMUM_NODES = 20_000
"""More than any recipe has: what goes beyond is an alias bomb."""
_MAXIMUM_DEPTH = 100
"""Deeper than any recipe; libyaml's composer recurses, and far deeper it ends the process."""
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE
_AGREED = {
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*)"),
    "float": re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "null": re.compile(r"null|Null|NULL|~|"),
}
"""The spellings that YAML 1.1 and 1.2 read alike. `010` is 8 to the one and 10 to the other, `1:20` 80 or a text, `on`
true or a text: which of them the author had in mind cannot be known, and it would end up on a command line."""


@dataclass(frozen=True)
class Document:
    """Plain data, and the place of everything in it.

    Attributes:
        data: dictionaries, lists and scalars.
        places: the way to a value -> `FILE:LINE:COLUMN` of its key, or of itself in a list; () is the whole document.
    """

    data: JsonValue
    places: Mapping[Keys, str] = field(repr=False)

    def place(self, keys: Keys) -> str:
        """The place of a value, or of the nearest enclosing one that has a place."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys, "")


def load_document(text: str | bytes, *, name: str) -> Document:
    """Read one YAML document.

    Plain scalars are what YAML 1.1 and 1.2 agree on, and dates stay strings.

    Raises:
        UsageError: it is not UTF-8 or not YAML, a key appears twice or is not a string, a scalar can be read in more
            than one way, or a tag or merge key is used.
    """
    text = _checked_text(text, name)
    try:
        _check_depth(text, name)
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise UsageError(f"{name}:1:1: the document is empty")
        return _Reader(name).read(node)
    except yaml.MarkedYAMLError as error:
        where = _mark(name, error.problem_mark)
        raise UsageError(f"{where}: not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: not YAML: {error}") from error


def _checked_text(text: str | bytes, name: str) -> str:
    """The text, if all of it is what YAML allows: the C loader would not say where it is not."""
    try:
        text = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        raise UsageError(f"{_position(name, before)}: not UTF-8 text", hint="save the file as UTF-8") from error
    found = _UNPRINTABLE.search(text)
    if found:
        where = _position(name, text[: found.start()])
        raise UsageError(f"{where}: not YAML: the character U+{ord(found[0]):04X} has no place in a text")
    return text


def _position(name: str, before: str) -> str:
    """Where the text goes on that follows `before`."""
    return f"{name}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def _check_depth(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAXIMUM_DEPTH:
            where = _mark(name, event.start_mark)
            raise UsageError(f"{where}: the document is nested more than {_MAXIMUM_DEPTH} levels deep")


class _Mark(Protocol):
    """A place as either of PyYAML's loaders tells it, counted from zero."""

    line: int
    column: int


def _mark(name: str, mark: _Mark | None) -> str:
    return f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name


class _Reader:
    """Turns nodes into data and notes their places."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._places: dict[Keys, str] = {}
        self._count = 0

    def read(self, node: yaml.Node) -> Document:
        self._places[()] = self._where(node)
        return Document(self._value(node, ()), self._places)

    def _where(self, node: yaml.Node) -> str:
        return _mark(self._name, node.start_mark)

    def _value(self, node: yaml.Node, keys: Keys) -> JsonValue:
        self._count += 1
        if self._count > _MAXIMUM_NODES or len(keys) > _MAXIMUM_DEPTH:
            raise UsageError(f"{self._where(node)}: the document expands to more than {_MAXIMUM_NODES} values")
        self._places.setdefault(keys, self._where(node))
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self._mapping(node, keys)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self._value(item, (*keys, position)) for position, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        raise self._tagged(node)

    def _mapping(self, node: yaml.MappingNode, keys: Keys) -> JsonValue:
        data: dict[str, JsonValue] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise UsageError(f"{self._where(key_node)}: a key has to be a string; put it in quotes")
            if key in data:
                first = self._places[*keys, key]
                raise UsageError(f"{self._where(key_node)}: the key {key!r} stands here a second time, after {first}")
            self._places[*keys, key] = self._where(key_node)
            data[key] = self._value(value_node, (*keys, key))
        return data

    def _scalar(self, node: yaml.ScalarNode) -> JsonValue:
        kind, text = node.tag.removeprefix("tag:yaml.org,2002:"), str(node.value)
        if kind in ("str", "timestamp", "value"):
            return text
        if kind not in _AGREED:
            raise self._tagged(node)
        try:
            return _constructed(kind, text)
        except ValueError as error:
            raise UsageError(
                f"{self._where(node)}: {_short(text)} cannot be taken as a value; "
                "write a plain decimal number, true, false or null, or put it in quotes"
            ) from error

    def _tagged(self, node: yaml.Node) -> UsageError:
        if node.tag == "tag:yaml.org,2002:merge":
            return UsageError(f"{self._where(node)}: merge keys (<<) are not used here; write the keys out")
        return UsageError(f"{self._where(node)}: the tag {_short(node.tag)} is not used here; leave it out")


def _constructed(kind: str, text: str) -> bool | int | float | None:
    """The value of a plain scalar.

    Raises:
        ValueError: it is ambiguous, a number of thousands of digits, or beyond the largest float.
    """
    if not _AGREED[kind].fullmatch(text):
        raise ValueError(text)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text)
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")


def validate(document: Document, model: type[ModelType]) -> ModelType:
    """The document as a model.

    Raises:
        UsageError: it does not fit; the message has a line for each problem, with its place and the nearest valid key.
    """
    try:
        # JSON mode, because there a strict tuple takes a list.
        return model.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        raise UsageError("\n".join(_problems(document, model, error))) from error


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
