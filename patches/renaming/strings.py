"""Strings that Python, the import system or `mock.patch` reads as module names follow the module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from m2build.patches.modules import split
from m2build.patches.names import IMPORT_CALLS, fromlist
from m2build.patches.places import Place
from m2build.patches.renaming.calls import IMPORTS, first_argument, package_argument
from m2build.patches.renaming.importer import Expression, Importer, New, Unrewritten
from m2build.patches.renaming.literals import known_text, respelled, uses_in
from m2build.patches.renaming.lookups import ATTRIBUTES, lookups
from m2build.patches.renaming.packages import Standing
from m2build.patches.renaming.tables import table_strings
from m2build.patches.scopes import absolute_module

_PATCHES = frozenset(f"{mock}.patch{kind}" for mock in ("unittest.mock", "mock") for kind in ("", ".dict", ".multiple"))
_Found = Iterator[Place[New] | Unrewritten]


def module_strings(importer: Importer) -> _Found:
    """Each string that names the module or something below it; then what may, as far as it is not among these."""
    texts = importer.names.texts(split(importer.renaming.old)[1])
    seen = set()
    searches = (_called, _from_lists, _annotated, table_strings) if texts else ()
    for found in (found for search in searches for found in search(importer)):
        seen.add(found.start if isinstance(found, Place) else found.offset)
        yield found
    yield from (left for left in lookups(importer, texts) if left.offset not in seen)


def _called(importer: Importer) -> _Found:
    """The arguments of calls that import, replace or look up a module by its name."""
    parent, last = split(importer.renaming.old)
    for call in importer.names.calls:
        node = first_argument(call)
        text = known_text(node, importer.module) if node else None
        named = [arg for arg in call.args[1:] if isinstance(arg, ast.Constant) and arg.value == last]
        if node is not None and text is not None and last in text:
            called = importer.names.qualify(call.func)
            if called & IMPORTS:
                yield from _module_string(importer, call, node, text)
            elif called & _PATCHES:
                yield from _replaced(importer, node, text, text)
        elif named and (text == parent or parent in importer.meanings.of(call.args[0]).modules):
            yield from _attribute(importer, call, named[0])


def _module_string(importer: Importer, call: ast.Call, node: ast.expr, text: str) -> _Found:
    tail = text.lstrip(".")
    level = len(text) - len(tail)
    if level == 0:
        yield from _replaced(importer, node, text, text)
        return
    package = package_argument(importer, call)
    name = absolute_module(package, level, tail) if package is not None else None
    if name is not None and importer.renaming.of(name) != name:
        yield from _replaced(importer, node, text, name)
    elif package is None and split(tail)[1] == split(importer.renaming.old)[1]:
        yield importer.left(node, "the package that it starts from shows at run time only")


def _replaced(importer: Importer, node: ast.expr, text: str, name: str) -> _Found:
    """Replace the module's part of `name`, of which the string spells the whole or, after leading dots, the end."""
    new = importer.renaming.of(name)
    if new == name:
        return
    spelled = text.lstrip(".")
    anchor = name[: len(name) - len(spelled)]
    start, end = importer.source.span(node)
    code = importer.source.text[start:end]
    fits = new.startswith(anchor)
    literal = respelled(code, text, text[: len(text) - len(spelled)] + new[len(anchor) :]) if fits else None
    if literal is None:
        yield importer.left(node, "its spelling cannot be kept")
    else:
        yield Place(start + literal[0], start + literal[1], Expression(literal[2]))


def _from_lists(importer: Importer) -> _Found:
    """The module's last name in `__import__("package", fromlist=["name"])`."""
    parent, last = split(importer.renaming.old)
    for call in importer.names.calls:
        given, package = fromlist(call), first_argument(call)
        if not isinstance(given, ast.List | ast.Tuple) or not importer.names.qualify(call.func) & IMPORT_CALLS:
            continue
        if package is not None and known_text(package, importer.module) in (parent, None):
            is_certain = known_text(package, importer.module) == parent
            for text in given.elts:
                if isinstance(text, ast.Constant) and text.value == last:
                    yield from _last_name(importer, text, is_certain=is_certain)


def _attribute(importer: Importer, call: ast.Call, text: ast.Constant) -> _Found:
    """The module's last name as an argument beside what may be its package, as in `getattr(package, "name")`."""
    is_builtin = bool(importer.names.qualify(call.func) & ATTRIBUTES)
    yield from _last_name(importer, text, is_certain=is_builtin and importer.meanings.of(call.args[0]).certain)


def _last_name(importer: Importer, text: ast.Constant, *, is_certain: bool) -> _Found:
    """Replace a string that is the module's last name, if that is certain and the package stays."""
    parent, last = split(importer.renaming.old)
    if importer.standing is Standing.KEPT:
        return
    if is_certain and importer.standing is Standing.FOLLOWS and importer.renaming.keeps_parent:
        start, end = importer.source.span(text)
        literal = respelled(importer.source.text[start:end], last, split(importer.renaming.new)[1])
        if literal is not None:
            yield Place(start + literal[0], start + literal[1], Expression(literal[2]))
            return
    yield importer.left(text, f"it may name the attribute {last} of {parent}")


def _annotated(importer: Importer) -> _Found:
    """Types in quotes: the same rules as for dotted uses."""
    parent, last = split(importer.renaming.old)
    for text in importer.names.annotations if parent else ():
        for node in uses_in(text.value, last):
            base = importer.meanings.of(node.value, importer.names.top)
            if parent not in base.modules or importer.standing is Standing.KEPT:
                continue
            start, end = importer.source.span(text)
            code, spelled = importer.source.text[start:end], ast.unparse(node)
            is_certain = base.certain and base.modules == {parent} and importer.standing is Standing.FOLLOWS
            new = f"{ast.unparse(node.value)}.{split(importer.renaming.new)[1]}"
            if is_certain and importer.renaming.keeps_parent and _once(spelled, text.value, code):
                yield Place(start, end, Expression(code.replace(spelled, new)))
            else:
                yield importer.left(text, f"{spelled} in it may be {importer.renaming.old}")
            break


def _once(spelled: str, value: object, code: str) -> bool:
    return isinstance(value, str) and value in code and code.count(spelled) == 1
