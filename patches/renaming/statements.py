"""Import statements follow the module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from m2build.patches.modules import relative, split
from m2build.patches.places import InexactError, Place
from m2build.patches.renaming.importer import Importer, New, NewImport, Unrewritten
from m2build.patches.renaming.packages import Standing
from m2build.patches.scopes import absolute_module


def import_statements(importer: Importer) -> Iterator[Place[New] | Unrewritten]:
    """Each import statement that names the module, or that a move of its own file would break.

    Raises:
        InexactError: a statement cannot follow the module; the message says where and why.
    """
    for node in importer.names.imports:
        if isinstance(node, ast.Import):
            new = _import(importer, node)
        else:
            new = _import_from(importer, node)
            if _is_unsure(importer, node):
                old = importer.renaming.old
                yield importer.left(node, f"{split(old)[0]} may bind {split(old)[1]} to something else")
        if new != NewImport():
            yield Place(*importer.source.span(node), new)


def _import(importer: Importer, node: ast.Import) -> NewImport:
    names, old = {}, importer.renaming.old
    for position, alias in enumerate(node.names):
        new = importer.renaming.of(alias.name)
        if new == alias.name:
            continue
        if alias.asname is not None and alias.name == old and _has_another_meaning(importer):
            raise InexactError(
                f"{importer.where(node)}: what this import binds is what {split(old)[0]} calls {split(old)[1]}, "
                "which need not be the module"
            )
        rebind = "." not in alias.name and alias.asname is None and not importer.root_uses_follow()
        names[position] = f"{new} as {alias.name}" if rebind else new
        if alias.asname is None and not rebind:
            _check_root(importer, node, alias.name.partition(".")[0], new.partition(".")[0])
    return NewImport(names=names)


def _has_another_meaning(importer: Importer) -> bool:
    """Whether `import a.b.old as x`, which looks for `old` in `a.b`, may find something else than the module."""
    parent = split(importer.renaming.old)[0]
    found = importer.packages.resolve(importer.renaming.old)
    return bool(parent) and not (found.certain and found.modules == {importer.renaming.old})


def _check_root(importer: Importer, node: ast.Import, old: str, new: str) -> None:
    """Stop if the statement would bind a name that means something else in its scope."""
    if new != old and not importer.names.scopes[node].is_only(new, new):
        raise InexactError(f"{importer.where(node)}: {new} is bound to something else here")


def _is_unsure(importer: Importer, node: ast.ImportFrom) -> bool:
    return bool(_of_the_module(importer, node)) and importer.standing_in(node) is Standing.UNSURE


def _of_the_module(importer: Importer, node: ast.ImportFrom) -> list[int]:
    """The positions of the imported names that are the module's in its package."""
    origin = absolute_module(importer.package, node.level, node.module)
    old = importer.renaming.old
    return [position for position, alias in enumerate(node.names) if f"{origin}.{alias.name}" == old]


def _import_from(importer: Importer, node: ast.ImportFrom) -> NewImport:
    module = absolute_module(importer.package, node.level, node.module)
    if module is None:
        return NewImport()
    renaming = importer.renaming
    parent, last = split(renaming.new)
    names, own = {}, {}
    for position in _of_the_module(importer, node):
        if importer.standing_in(node) is not Standing.FOLLOWS:
            break
        alias = node.names[position]
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
