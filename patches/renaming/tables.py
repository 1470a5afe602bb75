"""Tables of submodules in packages that import lazily (PEP 562), as pydantic's `{"conint": (PACKAGE, ".types")}`.

Such a string is certainly a module's name if the package has a `__getattr__`, imports what shows at run time only, and
every string with leading dots in the table is a module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from m2build.patches.places import Place
from m2build.patches.renaming.calls import may_import
from m2build.patches.renaming.importer import Expression, Importer, New
from m2build.patches.renaming.literals import respelled
from m2build.patches.scopes import absolute_module


def table_strings(importer: Importer) -> Iterator[Place[New]]:
    """The module's relative name in such tables."""
    if importer.module.name != importer.package or not _imports_lazily(importer):
        return
    for statement in importer.syntax.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Dict):
            yield from _in_table(importer, statement.value)


def _imports_lazily(importer: Importer) -> bool:
    has_getattr = any(
        isinstance(statement, ast.FunctionDef) and statement.name == "__getattr__" for statement in importer.syntax.body
    )
    return has_getattr and any(may_import(importer, call) for call in importer.names.calls)


def _in_table(importer: Importer, table: ast.Dict) -> Iterator[Place[New]]:
    found = [(node, _module(importer, node)) for value in table.values for node in _relative(value)]
    if not all(name and importer.packages.exists(name) for _, name in found):
        return
    renaming = importer.renaming
    for node, name in found:
        new = renaming.of(name or "")
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
    return absolute_module(importer.package, len(text) - len(tail), tail)
