"""The first names of dotted uses: `import a.b.c` binds `a`, and what hangs on that binding must not lose it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from m2build.patches.modules import split
from m2build.patches.places import InexactError
from m2build.patches.renaming.importer import Importer
from m2build.patches.scopes import Scope, position


def root_name(node: ast.expr) -> ast.Name | None:
    """The first name of a dotted name."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node if isinstance(node, ast.Name) else None


def has_root(importer: Importer, node: ast.expr) -> bool:
    """Whether a dotted use hangs on an `import` of the module without `as`, which will bind the new first name."""
    root = root_name(node)
    owner = importer.names.scopes[root].owner(root.id, position(root)) if root else None
    return any(
        importer.names.scopes[statement] is owner
        for statement, names in importer.plain_imports.items()
        if any(importer.renaming.of(name) != name for name in names)
    )


def check_lost_root(importer: Importer, rewritten: set[int]) -> None:
    """Stop if `import a.b.c` leaves the top-level package `a` while other uses of `a` in its scope hang on it.

    Raises:
        InexactError: it does; the message says where.
    """
    root = importer.renaming.old.partition(".")[0]
    if root == importer.renaming.new.partition(".")[0] or "." not in importer.renaming.old:
        return
    for scope in {importer.names.scopes[node]: None for node in _leaving(importer)}:
        kept = {name for name in _kept(importer, scope) if name.partition(".")[0] == root}
        reached = {above for name in kept for above in _with_parents(name)}
        for node in _uses(importer, root, scope):
            wanted = _package(importer, node) if kept else root
            if importer.source.span(node)[0] not in rewritten and wanted not in reached:
                raise InexactError(f"{importer.where(node)}: {wanted} would no longer be imported here")


def _leaving(importer: Importer) -> Iterator[ast.Import]:
    """The statements that bind another first name afterwards."""
    for node, names in importer.plain_imports.items():
        if any(importer.renaming.of(name) != name for name in names):
            yield node


def _kept(importer: Importer, scope: Scope) -> Iterator[str]:
    """What other imports of the scope go on importing."""
    for node, names in importer.plain_imports.items():
        if importer.names.scopes[node] is scope:
            yield from (name for name in names if importer.renaming.of(name) == name)


def _uses(importer: Importer, root: str, scope: Scope) -> Iterable[ast.Name]:
    for node, inner in importer.names.scopes.items():
        if not isinstance(node, ast.Name) or node.id != root or not isinstance(node.ctx, ast.Load):
            continue
        if inner.owner(root, position(node)) is scope:
            yield node


def _package(importer: Importer, name: ast.Name) -> str:
    """The longest beginning of a dotted use that is a module."""
    found, node = name.id, importer.names.outer.get(name)
    while node is not None and importer.packages.exists(f"{found}.{node.attr}"):
        found = f"{found}.{node.attr}"
        node = importer.names.outer.get(node)
    return found


def _with_parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = split(name)[0]
