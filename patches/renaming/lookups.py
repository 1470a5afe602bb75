"""What may lead to the module at run time, by strings and computed names: it is listed and left alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import TypeGuard

from m2build.patches.modules import split
from m2build.patches.names import IMPORT_CALLS, fromlist
from m2build.patches.renaming.calls import IMPORTS, first_argument, imports_siblings, may_import
from m2build.patches.renaming.importer import Importer, Unrewritten
from m2build.patches.renaming.literals import known_text, uses_in
from m2build.patches.renaming.packages import Standing
from m2build.patches.scopes import absolute_module

ATTRIBUTES = frozenset(f"builtins.{verb}attr" for verb in ("get", "has", "set", "del"))
"""What looks up an attribute by its name."""
_ALL = frozenset({"operator.attrgetter", "builtins.vars", "inspect.getmembers", "pkgutil.resolve_name"})
"""What looks up attributes by names that may be put together."""


def lookups(importer: Importer, texts: Iterable[ast.Constant]) -> Iterator[Unrewritten]:
    """Each place of a file that may name the module at run time.

    Args:
        importer: the file.
        texts: its strings that hold the module's last name.
    """
    parent = split(importer.renaming.old)[0]
    for call in importer.names.calls:
        if imports_siblings(importer, call):
            yield importer.left(call, f"which module of {parent} shows at run time only")
        elif importer.names.qualify(call.func) & IMPORT_CALLS and _is_relative(importer, call):
            yield importer.left(call, f"it imports {importer.renaming.old} by a relative name")
    if texts:
        yield from _modules(importer)
        yield from _strings(importer, texts)


def _is_relative(importer: Importer, call: ast.Call) -> bool:
    """Whether `__import__(name, globals, locals, fromlist, level)` imports the module by a relative name."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    level, name = call.args[4] if len(call.args) > 4 else keywords.get("level"), first_argument(call)
    if not isinstance(level, ast.Constant) or not isinstance(level.value, int) or level.value < 1 or name is None:
        return False
    parent, last = split(importer.renaming.old)
    module = absolute_module(importer.package, level.value, known_text(name, importer.module))
    given = fromlist(call)
    listed = {node.value for node in given.elts if isinstance(node, ast.Constant)} if _is_list(given) else set()
    return module is not None and (importer.renaming.of(module) != module or (module == parent and last in listed))


def _is_list(node: ast.expr | None) -> TypeGuard[ast.List | ast.Tuple]:
    return isinstance(node, ast.List | ast.Tuple)


def _modules(importer: Importer) -> Iterator[Unrewritten]:
    """Names put together for `sys.modules`."""
    for node in ast.walk(importer.syntax):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
            name = known_text(node.slice, importer.module)
            if name and importer.renaming.of(name) != name and "sys.modules" in importer.names.qualify(node.value):
                yield importer.left(node.slice, f"it is the name of {importer.renaming.old}")


def _strings(importer: Importer, texts: Iterable[ast.Constant]) -> Iterator[Unrewritten]:
    """Strings that would name the module if something imported them."""
    old = importer.renaming.old
    tails = list(_tails(importer))
    pattern = (
        re.compile(rf"(?:[\w.{{}}%()]*\.)?(?:{'|'.join(map(re.escape, tails))})(?:[.:]\w[\w.:]*)?") if tails else None
    )
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
    if parent and (_imports_by_name(importer) or (_has_package(importer) and _asks_by_name(importer))):
        yield last


def _imports_by_name(importer: Importer) -> bool:
    """Whether the file imports what shows at run time only, or hands a function that imports to another one."""
    calls = importer.names.calls
    called = {call.func for call in calls}
    values = [node for node in (*importer.names.attributes, *importer.names.scopes) if isinstance(node, ast.expr)]
    return any(may_import(importer, call) for call in calls) or any(
        node not in called and importer.names.qualify(node) & IMPORTS for node in values
    )


def _asks_by_name(importer: Importer) -> bool:
    """Whether the file looks up attributes whose names show at run time only."""
    return any(node.attr == "__dict__" for node in importer.names.attributes) or any(
        asked & _ALL or (asked & ATTRIBUTES and len(call.args) > 1 and not isinstance(call.args[1], ast.Constant))
        for call in importer.names.calls
        if (asked := importer.names.qualify(call.func))
    )


def _has_package(importer: Importer) -> bool:
    """Whether the file imports the module's package, something of it, or a package above it."""
    parent = split(importer.renaming.old)[0]
    return any(
        f"{parent}.".startswith(f"{name}.") or name.startswith(f"{parent}.")
        for scope in {*importer.names.scopes.values(), importer.names.top}
        for names in scope.imports.values()
        for name in names
    )


def _names_the_module(importer: Importer, value: str) -> bool:
    parent, last = split(importer.renaming.old)
    if not parent or importer.standing is Standing.KEPT:
        return False
    uses = uses_in(value, last)
    return any(parent in importer.meanings.of(node.value, importer.names.top).modules for node in uses)
