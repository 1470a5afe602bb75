"""YAML documents whose every key and value knows where it stands.

Text in, value out: nothing is read or written here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import yaml
from pydantic import JsonValue

from m2build.errors import UsageError

Keys = tuple[str | int, ...]
"""The way to a value: mapping keys and list positions."""

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
