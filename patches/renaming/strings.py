"""Strings that the import system or `mock.patch` reads as module names follow the module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from m2build.patches.modules import split
from m2build.patches.names import absolute_module
from m2build.patches.places import Place
from m2build.patches.renaming.importer import Expression, Importer, New, Unrewritten

_IMPORTS = frozenset({"importlib.import_module", "builtins.__import__"})
_PATCHES = frozenset(f"{mock}.patch{kind}" for mock in ("unittest.mock", "mock") for kind in ("", ".dict", ".multiple"))
_PLAIN = re.compile(r"[rRuU]?('''|\"\"\"|'|\")(.*)\1", re.DOTALL)


def module_strings(importer: Importer) -> Iterator[Place[New] | Unrewritten]:
    """Each first argument that is exactly the module, or something below it."""
    for call in importer.names.calls:
        text = _first_string(call)
        if text is None or split(importer.renaming.old)[1] not in text.value:
            continue
        called = importer.names.qualify(call.func)
        if called & _IMPORTS:
            yield from _module_string(importer, call, text)
        elif called & _PATCHES:
            yield from _replace(importer, text, text.value)


def _module_string(importer: Importer, call: ast.Call, text: _String) -> Iterator[Place[New] | Unrewritten]:
    tail = text.value.lstrip(".")
    level = len(text.value) - len(tail)
    if level == 0:
        yield from _replace(importer, text, text.value)
        return
    package = _package(importer, call)
    name = absolute_module(package, level, tail) if package is not None else None
    if name is not None and importer.renaming.of(name) != name:
        yield from _replace(importer, text, name)
    elif package is None and split(tail)[1] == split(importer.renaming.old)[1]:
        yield Unrewritten(importer.source.span(text.node)[0])


def _replace(importer: Importer, text: _String, name: str) -> Iterator[Place[New] | Unrewritten]:
    """Replace the module's part of `name`, of which the string spells the whole or, after leading dots, the end."""
    new = importer.renaming.of(name)
    if new == name:
        return
    spelled = text.value.lstrip(".")
    anchor = name[: len(name) - len(spelled)]
    start, end = importer.source.span(text.node)
    match = _PLAIN.fullmatch(importer.source.text, start, end)
    if match is None or match[2] != text.value or not new.startswith(anchor):
        yield Unrewritten(importer.source.span(text.node)[0])
    else:
        token, keep = match[0], match.end(2) - len(spelled) - start
        yield Place(start, end, Expression(token[:keep] + new[len(anchor) :] + token[match.end(2) - start :]))


class _String:
    """A string literal that is a call's first argument."""

    def __init__(self, node: ast.Constant, value: str) -> None:
        self.node = node
        self.value = value


def _first_string(call: ast.Call) -> _String | None:
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    node = call.args[0] if call.args else keywords.get("name") or keywords.get("target")
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _String(node, node.value)
    return None


def _package(importer: Importer, call: ast.Call) -> str | None:
    """The `package` argument of `import_module`, if it is known without running the file."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    node = call.args[1] if len(call.args) > 1 else keywords.get("package")
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name) and node.id == "__package__":
        return importer.package
    return None
