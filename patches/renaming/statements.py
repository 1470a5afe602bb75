"""Import statements follow the module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from m2build.patches.modules import relative, split
from m2build.patches.names import absolute_module
from m2build.patches.renaming.importer import Importer
from m2build.patches.renaming.statement import NewImport, rewrite_import
from m2build.patches.text import Edit


def statement_edits(importer: Importer) -> Iterator[Edit]:
    """One edit for each import statement that names the module, or that a move of its own file would break."""
    for node in importer.names.imports:
        new = _import(importer, node) if isinstance(node, ast.Import) else _import_from(importer, node)
        if new != NewImport():
            start, end = importer.source.span(node)
            yield Edit(
                start,
                end,
                rewrite_import(importer.source.text[start:end], new, _separator(importer, node.lineno, start)),
            )


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


def _separator(importer: Importer, line: int, start: int) -> str:
    """What goes between the statement that begins at `start` of `line` and one that is put before it."""
    indentation = importer.source.text[importer.source.line_offset(line) : start]
    return "; " if indentation.strip() else importer.source.newline + indentation
