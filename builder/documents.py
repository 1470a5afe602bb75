"""YAML documents whose every key and value knows where it stands, and their validation against a model.

Text in, value out: nothing is read or written here.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, JsonValue, ValidationError

from m2build.errors import UsageError
from m2build.suggest import did_you_mean

Keys = tuple[str | int, ...]
"""The way to a value: mapping keys and list positions."""

ModelType = TypeVar("ModelType", bound=BaseModel)

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAXIMUM_NODES = 20_000
"""More than any recipe has: what goes beyond is an alias bomb."""


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


def load_document(text: str, *, name: str) -> Document:
    """Read one YAML document.

    Plain scalars are read as YAML 1.1 does, except that dates stay strings.

    Raises:
        UsageError: it is not YAML, a key appears twice or is not a string, or a tag or merge key is used.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise UsageError(f"{name}: the document is empty")
            return _Reader(name, loader).read(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise UsageError(f"{where}: not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: not YAML: {error}") from error


class _Reader:
    """Turns nodes into data and notes their places."""

    def __init__(self, name: str, loader: yaml.SafeLoader) -> None:
        self._name = name
        self._loader = loader
        self._places: dict[Keys, str] = {}
        self._count = 0

    def read(self, node: yaml.Node) -> Document:
        self._places[()] = self._where(node)
        return Document(self._value(node, ()), self._places)

    def _where(self, node: yaml.Node) -> str:
        return f"{self._name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"

    def _value(self, node: yaml.Node, keys: Keys) -> JsonValue:
        self._count += 1
        if self._count > _MAXIMUM_NODES or len(keys) > 100:
            raise UsageError(f"{self._where(node)}: the document expands to more than {_MAXIMUM_NODES} values")
        self._places.setdefault(keys, self._where(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, keys)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*keys, position)) for position, item in enumerate(node.value)]
        return self._scalar(node)

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

    def _scalar(self, node: yaml.Node) -> JsonValue:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind in ("str", "timestamp", "value"):
            return str(node.value)
        if kind in ("int", "float", "bool", "null"):
            try:
                value: JsonValue = self._loader.construct_object(node)
            except ValueError as error:
                raise UsageError(f"{self._where(node)}: {node.value!r} is not of the kind {kind}") from error
            return value
        raise UsageError(f"{self._where(node)}: {node.value!r} has the tag {node.tag!r}, which is not used here")


def validate(document: Document, model: type[ModelType]) -> ModelType:
    """The document as a model.

    Raises:
        UsageError: it does not fit; the message has a line for each problem, with its place and the nearest valid key.
    """
    try:
        # JSON mode, because there a strict tuple takes a list.
        return model.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        problems = dict.fromkeys(
            _problem(document, model, problem["type"], problem["loc"], problem["msg"]) for problem in error.errors()
        )
        raise UsageError("\n".join(problems)) from error
    except UsageError as error:
        raise UsageError(f"{document.place(())}: {error}", hint=error.hint) from error


def _problem(document: Document, model: type[BaseModel], kind: str, keys: Keys, message: str) -> str:
    where = document.place(keys)
    if kind == "extra_forbidden":
        return f"{where}: unknown key {did_you_mean(str(keys[-1]), _known_keys(model, keys[:-1]))}"
    if kind == "missing":
        return f"{document.place(keys[:-1])}: the key {str(keys[-1])!r} is missing"
    way = ".".join(str(key) for key in keys if _is_spelled(document.data, keys, key))
    return f"{where}: {way + ': ' if way else ''}{message.removeprefix('Value error, ')}"


def _is_spelled(data: JsonValue, keys: Keys, key: str | int) -> bool:
    """Whether a part of pydantic's location is a key of the document and not the name of a union's branch."""
    for part in keys[: keys.index(key)]:
        if isinstance(data, dict) and part in data:
            data = data[str(part)]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
    return isinstance(key, int) or (isinstance(data, dict) and key in data)


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
