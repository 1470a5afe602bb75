"""YAML documents in which every key and value knows its line and column.

Text in, value out: nothing is read or written here.
"""

from __future__ import annotations

import re
from typing import Protocol

import yaml

from m2build.documents.placed import Document, Position
from m2build.documents.scalars import Scalar, scalar
from m2build.documents.shown import shown
from m2build.errors import UsageError

MAXIMUM_BYTES = 1 << 20
"""Of a document: a recipe is some kilobytes, and a series of fifty patches a hundred."""
MAXIMUM_VALUES = 20_000
"""More than any recipe has: a document beyond that is an alias bomb."""
_MAXIMUM_DEPTH = 100
"""Deeper than any recipe. libyaml's composer recurses, and much deeper it crashes the process."""
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE
_TAG_DIRECTIVE = re.compile(r"(?:^|[\r\x85\u2028\u2029])\ufeff?%TAG", re.MULTILINE)
"""libyaml compares each with all others, which takes half a minute for a megabyte of them."""
_STANDARD = "tag:yaml.org,2002:"


def load_document(text: str | bytes, *, name: str) -> Document:
    """Read one YAML document.

    Plain scalars are what YAML 1.1 and 1.2 agree on, and dates stay strings.

    Raises:
        UsageError: it is larger than `MAXIMUM_BYTES`, not UTF-8 or not YAML, a key appears twice or is not a string, a
            scalar can be read in more than one way, or a tag or merge key is used.
    """
    text = _checked_text(text, name)
    try:
        _check_extent(text, name)
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise UsageError(f"{name}:1:1: the document is empty")
        return _Reader(name).read(node)
    except yaml.MarkedYAMLError as error:
        where = _position(name, error.problem_mark)
        raise UsageError(f"{where}: not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: not YAML: {error}") from error


def _checked_text(text: str | bytes, name: str) -> str:
    """The text, if YAML allows all of it: the C loader would not say where it does not."""
    if len(text) > MAXIMUM_BYTES:
        raise UsageError(
            f"{name} is larger than {MAXIMUM_BYTES:,} bytes", hint="recipes and series are far smaller; check the path"
        )
    try:
        text = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        raise UsageError(f"{_after(name, before)}: not UTF-8 text", hint="save the file as UTF-8") from error
    found = _UNPRINTABLE.search(text)
    if found:
        where = _after(name, text[: found.start()])
        raise UsageError(f"{where}: not YAML: the character U+{ord(found[0]):04X} is not allowed")
    if found := _TAG_DIRECTIVE.search(text):
        raise UsageError(f"{_after(name, text[: found.start()])}: tags are not used here; leave the directive out")
    return text


def _after(name: str, before: str) -> Position:
    """The position after the text `before`."""
    return Position(name, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _check_extent(text: str, name: str) -> None:
    """Check that nodes are neither too many nor too deep, before each becomes an object."""
    depth = count = 0
    for event in yaml.parse(text, Loader=_Loader):
        count += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAXIMUM_DEPTH:
            where = _position(name, event.start_mark)
            raise UsageError(f"{where}: the document is nested more than {_MAXIMUM_DEPTH} levels deep")
        if count > 2 * MAXIMUM_VALUES:  # keys count here
            raise _too_many(_position(name, event.start_mark))


def _too_many(where: Position) -> UsageError:
    return UsageError(f"{where}: the document expands to more than {MAXIMUM_VALUES} values")


class _Mark(Protocol):
    """A position from either of PyYAML's loaders, counted from zero."""

    line: int
    column: int


def _position(name: str, mark: _Mark | None) -> Position:
    return Position(name, mark.line + 1, mark.column + 1) if mark else Position(name)


class _Reader:
    """Turns nodes into values that know their positions."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def read(self, node: yaml.Node) -> Document:
        return self._document(node, self._where(node), 0)

    def _where(self, node: yaml.Node) -> Position:
        return _position(self._name, node.start_mark)

    def _document(self, node: yaml.Node, where: Position, depth: int) -> Document:
        self._count += 1
        if self._count > MAXIMUM_VALUES or depth > _MAXIMUM_DEPTH:
            raise _too_many(self._where(node))
        kind = node.tag.removeprefix(_STANDARD)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return Document(where, self._mapping(node, depth + 1))
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return Document(where, [self._document(item, self._where(item), depth + 1) for item in node.value])
        if isinstance(node, yaml.ScalarNode):
            return Document(where, self._scalar(node))
        raise self._tagged(node)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Document]:
        found: dict[str, Document] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise UsageError(f"{self._where(key_node)}: a key must be a string; put it in quotes")
            if key in found:
                places = f"{self._where(key_node)}: the key {shown(key)} is repeated; it is already at"
                raise UsageError(f"{places} {found[key].position}")
            found[key] = self._document(value_node, self._where(key_node), depth)
        return found

    def _scalar(self, node: yaml.ScalarNode) -> Scalar:
        try:
            return scalar(node.tag.removeprefix(_STANDARD), str(node.value))
        except KeyError as error:
            raise self._tagged(node) from error
        except ValueError as error:
            raise UsageError(
                f"{self._where(node)}: {shown(str(node.value))} is not a valid value; "
                "write a plain decimal number, true, false or null, or put it in quotes"
            ) from error

    def _tagged(self, node: yaml.Node) -> UsageError:
        if node.tag == f"{_STANDARD}merge":
            return UsageError(f"{self._where(node)}: merge keys (<<) are not used here; write the keys out")
        return UsageError(f"{self._where(node)}: the tag {shown(node.tag)} is not used here; leave it out")
