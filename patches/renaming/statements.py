"""Import statements follow the module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from m2build.patches.modules import relative, split
from m2build.patches.names import absolute_module
from m2build.patches.places import Place
from m2build.patches.renaming.importer import Importer, New, NewImport


def import_statements(importer: Importer) -> Iterator[Place[New]]:
    """Each import statement that names the module, or that a move of its own file would break."""
    for node in importer.names.imports:
        new = _import(importer, node) if isinstance(node, ast.Import) else _import_from(importer, node)
        if new != NewImport():
            yield Place(*importer.source.span(node), new)


def _import(importer: Importer, node: ast.Import) -> NewImport:
    names = {}
    for position, alias in enumerate(node.names):
        new = importer.renaming.of(alias.name)
        if new != alias.name:
            rebind = "." not in alias.name and alias.asname is None and not importer.root_uses_follow()
            names[position] = f"{new} as {alias.name}" if rebind else new
    return NewImport(names=names)


def _import_from(importer: Importer, node: ast.ImportFrom) -> NewImport:
    module = absolute_module(importer.package, node.level, node.module)
    if module is None:
        return NewImport()
    renaming = importer.renaming
    parent, last = split(renaming.new)
    names, own = {}, {}
    for position, alias in enumerate(node.names):
        if f"{module}.{alias.name}" != renaming.old or importer.shadowed:
            continue
        if renaming.keeps_parent:
            names[position] = f"{last} as {alias.name}"
        else:
            binding = alias.asname or alias.name
            origin = f"from {_spelled(importer, parent, node.level)} " if parent else ""
            own[position] = f"{origin}import {last}" + (f" as {binding}" if binding != last else "")
    wanted = renaming.of(module)
    stays = absolute_module(importer.new_package, node.level, node.module) == wanted
    return NewImport(None if stays else _spelled(importer, wanted, node.level), names, own)


def _spelled(importer: Importer, module: str, level: int) -> str:
    """Spell a module in the style of the statement: with as many dots as it has, else relative, else absolute."""
    start = absolute_module(importer.new_package, level, None) if level else None
    if start and f"{module}.".startswith(f"{start}."):
        return "." * level + module[len(start) + 1 :]
    return (relative(module, importer.new_package) if level else None) or module
