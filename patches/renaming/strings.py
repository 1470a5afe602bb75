"""Strings that Python, the import system or `mock.patch` reads as module names follow the module; others are listed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from m2build.patches.modules import split
from m2build.patches.names import IMPORT_CALLS, fromlist
from m2build.patches.places import Place
from m2build.patches.renaming.calls import IMPORTS, first_argument, imports_siblings, may_import, package_argument
from m2build.patches.renaming.importer import Expression, Importer, New, Unrewritten
from m2build.patches.renaming.literals import known_text, respelled
from m2build.patches.renaming.packages import Standing
from m2build.patches.renaming.tables import table_strings
from m2build.patches.scopes import absolute_module
from m2build.patches.text import parser

_PATCHES = frozenset(f"{mock}.patch{kind}" for mock in ("unittest.mock", "mock") for kind in ("", ".dict", ".multiple"))
_ATTRIBUTES = frozenset(f"builtins.{verb}attr" for verb in ("get", "has", "set", "del"))
_Found = Iterator[Place[New] | Unrewritten]


def module_strings(importer: Importer) -> _Found:
    """Each string that names the module, or something below it."""
    texts = importer.names.texts(split(importer.renaming.old)[1])
    seen = set()
    searches = (_called, _from_lists, _annotated, table_strings) if texts else ()
    for found in (found for search in searches for found in search(importer)):
        seen.add(found.start if isinstance(found, Place) else found.offset)
        yield found
    for call in importer.names.calls:
        if imports_siblings(importer, call):
            yield importer.left(call, f"which module of {split(importer.renaming.old)[0]} shows at run time only")
    for left in _listed(importer, texts) if texts else ():
        if left.offset not in seen:
            yield left


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
        elif named and parent in importer.meanings.of(call.args[0]).modules:
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
    is_builtin = bool(importer.names.qualify(call.func) & _ATTRIBUTES)
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
        for node in _uses_in(text.value, last):
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


def _uses_in(value: object, last: str) -> list[ast.Attribute]:
    """The dotted uses of a name in a string, if it is an expression."""
    if not isinstance(value, str) or last not in value or len(value) > 1000:  # longer ones are prose
        return []
    try:
        with parser():
            nodes = list(ast.walk(ast.parse(value.strip(), mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node for node in nodes if isinstance(node, ast.Attribute) and node.attr == last]


def _listed(importer: Importer, texts: Iterable[ast.Constant]) -> Iterator[Unrewritten]:
    """Strings that would name the module if something imported them."""
    old = importer.renaming.old
    tails = list(_tails(importer))
    pattern = re.compile(rf"(?:[\w.]*\.)?(?:{'|'.join(map(re.escape, tails))})(?:[.:]\w[\w.:]*)?") if tails else None
    kept = importer.packages.keeps_name(old) or importer.standing is not Standing.FOLLOWS
    exported = _exported(importer) if importer.is_parent and kept else set()
    for node in texts:
        value = node.value
        if not isinstance(value, str) or old in value or node in exported:
            continue
        if pattern is not None and pattern.fullmatch(value.strip()):
            yield importer.left(node, "the import system may read it as the module's name")
        elif _names_the_module(importer, value):
            yield importer.left(node, f"read as Python, it is {old}")


def _exported(importer: Importer) -> set[ast.AST]:
    """What stands in statements about `__all__`, whose names the package goes on binding."""
    found: set[ast.AST] = set()
    for statement in importer.syntax.body:
        nodes = list(ast.walk(statement))
        if any(isinstance(node, ast.Name) and node.id == "__all__" for node in nodes):
            found |= set(nodes)
    return found


def _tails(importer: Importer) -> Iterator[str]:
    """How the module's name ends in strings that this file may import: what follows its own package's name."""
    old, package = importer.renaming.old, importer.package
    parent, last = split(old)
    if package and importer.module.name == package and old.startswith(f"{package}."):
        yield old[len(package) + 1 :]
    if parent and any(may_import(importer, call) for call in importer.names.calls):
        yield last


def _names_the_module(importer: Importer, value: str) -> bool:
    parent, last = split(importer.renaming.old)
    if not parent or importer.standing is Standing.KEPT:
        return False
    uses = _uses_in(value, last)
    return any(parent in importer.meanings.of(node.value, importer.names.top).modules for node in uses)
