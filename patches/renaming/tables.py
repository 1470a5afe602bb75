"""Tables of submodules in packages that import lazily.

A value as in pydantic's `{"conint": (PACKAGE, ".types")}` is certainly a module's name if the package has a
`__getattr__` (PEP 562), imports what shows at run time only, and every string with leading dots in the table is a
module. A key as in transformers' `{"image_utils": ["load_image"]}` is one if the package puts another object in its own
place, and every key of the table that has names is a module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeGuard

from m2build.patches.places import Place
from m2build.patches.renaming.calls import may_import
from m2build.patches.renaming.importer import Expression, Importer, New
from m2build.patches.renaming.literals import respelled
from m2build.patches.scopes import absolute_module


def table_strings(importer: Importer) -> Iterator[Place[New]]:
    """The module's relative name in such tables."""
    if importer.module.name != importer.package:
        return
    if _imports_lazily(importer):
        for statement in importer.syntax.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Dict):
                yield from _edits(importer, [node for value in statement.value.values for node in _relative(value)])
    nodes = list(ast.walk(importer.syntax))
    if any(_replaces_the_package(importer, node) for node in nodes):
        for keys in _keys(nodes):
            yield from _edits(importer, keys)


def _imports_lazily(importer: Importer) -> bool:
    has_getattr = any(
        isinstance(statement, ast.FunctionDef) and statement.name == "__getattr__" for statement in importer.syntax.body
    )
    return has_getattr and any(may_import(importer, call) for call in importer.names.calls)


def _replaces_the_package(importer: Importer, node: ast.AST) -> bool:
    """Whether a statement is `sys.modules[__name__] = SOMETHING(...)`."""
    match node:
        case ast.Assign(targets=[ast.Subscript(value=modules, slice=ast.Name(id="__name__"))], value=ast.Call()):
            return "sys.modules" in importer.names.qualify(modules)
    return False


def _keys(nodes: Sequence[ast.AST]) -> Iterator[list[ast.Constant]]:
    """The keys of each table that begins as a dictionary of lists: in it, and where it is read or extended."""
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=table)], value=ast.Dict(keys=keys, values=values)):
                lists = [value for value in values if isinstance(value, ast.List)]
                if len(lists) == len(keys):
                    named = [key for key, names in zip(keys, lists, strict=True) if _is_text(key) and names.elts]
                    yield [*named, *_later_keys(nodes, table)]


def _later_keys(nodes: Iterable[ast.AST], table: str) -> Iterator[ast.Constant]:
    for node in nodes:
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=key) if name == table and _is_text(key):
                yield key
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="setdefault"), args=[key, *_]):
                if name == table and _is_text(key):
                    yield key


def _is_text(node: ast.expr | None) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _edits(importer: Importer, nodes: Iterable[ast.Constant]) -> Iterator[Place[New]]:
    """The new spelling of those that name the module or one below it, if all of them name modules."""
    found = [(node, _module(importer, node)) for node in nodes]
    if not all(name and importer.packages.exists(name) for _, name in found):
        return
    for node, name in found:
        new = importer.renaming.of(name or "")
        tail = str(node.value).lstrip(".")
        anchor = (name or "")[: len(name or "") - len(tail)]
        if new == name or not new.startswith(anchor):
            continue
        start, end = importer.source.span(node)
        after = str(node.value)[: -len(tail)] + new[len(anchor) :]
        literal = respelled(importer.source.text[start:end], str(node.value), after)
        if literal is not None:
            yield Place(start + literal[0], start + literal[1], Expression(literal[2]))


def _relative(value: ast.expr) -> Iterator[ast.Constant]:
    """The strings with leading dots in a value; one beside a package's name starts from that, and is left out."""
    items = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    strings = [item for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    relative = [item for item in strings if str(item.value).startswith(".")]
    if len(relative) == len(strings):
        yield from (item for item in relative if str(item.value).strip("."))


def _module(importer: Importer, node: ast.Constant) -> str | None:
    text = str(node.value)
    tail = text.lstrip(".")
    return absolute_module(importer.package, (len(text) - len(tail)) or 1, tail)
