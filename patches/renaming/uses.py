"""Dotted uses (`a.b.c.f()` after `import a.b.c`, `m.c` after `import a.b as m`) follow the module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from m2build.patches.modules import split
from m2build.patches.names import Scope
from m2build.patches.places import InexactError, Place
from m2build.patches.renaming.importer import Expression, Importer, LastName, New, Unrewritten


def dotted_uses(importer: Importer) -> Iterator[Place[New] | Unrewritten]:
    """Each use of the module by a dotted name.

    Raises:
        InexactError: a use cannot follow the module; the message says where and why.
    """
    uses = list(_attribute_uses(importer) if "." in importer.renaming.old else _root_uses(importer))
    _check_lost_root(importer, {use.start for use in uses})
    yield from uses
    yield from _star_uses(importer)


def _attribute_uses(importer: Importer) -> Iterator[Place[New]]:
    old, new = importer.renaming.old, importer.renaming.new
    last = split(old)[1]
    for node in () if importer.shadowed else importer.names.attributes:
        if node.attr != last or old not in importer.names.qualify(node):
            continue
        start, end = importer.source.span(node)
        if importer.source.text[end - len(last) : end] != last:
            raise InexactError(f"{importer.where(node)}: {last} is spelled in an unusual way")
        if importer.renaming.keeps_parent:
            yield Place(start, end, LastName(split(new)[1]))
        elif ast.unparse(node) == old and old in importer.plain_imports():
            yield Place(start, end, Expression(new))
        else:
            raise InexactError(f"{importer.where(node)}: this use of {old} cannot follow it to another package")


def _root_uses(importer: Importer) -> Iterator[Place[New]]:
    old = importer.renaming.old
    for node, owner in _uses_of(importer, old) if importer.root_uses_follow() else ():
        if old in owner.others or owner.imports[old] != {old}:
            raise InexactError(f"{importer.where(node)}: {old} is bound to something else as well")
        yield Place(*importer.source.span(node), Expression(importer.renaming.new))


def _uses_of(importer: Importer, root: str) -> Iterator[tuple[ast.Name, Scope]]:
    """Each use of a name that an import binds to the top-level package of that name, with the scope that binds it."""
    for node, scope in importer.names.scopes.items():
        if isinstance(node, ast.Name) and node.id == root:
            owner = scope.owner(root)
            if owner is not None and root in owner.imports.get(root, ()):
                yield node, owner


def _check_lost_root(importer: Importer, rewritten: set[int]) -> None:
    """Stop if `import a.b.c` leaves the top-level package `a` while other uses of `a` hang on that statement."""
    old = importer.renaming.old
    root = old.partition(".")[0]
    imported = importer.plain_imports()
    if root == importer.renaming.new.partition(".")[0] or "." not in old or old not in imported:
        return
    own_parents = {old[:dot] for dot, character in enumerate(old) if character == "."}
    if any(name.partition(".")[0] == root and importer.renaming.of(name) == name for name in imported - own_parents):
        return
    for node, _ in _uses_of(importer, root):
        if importer.source.span(node)[0] not in rewritten:
            raise InexactError(f"{importer.where(node)}: {root} would no longer be imported here")


def _star_uses(importer: Importer) -> Iterator[Unrewritten]:
    """A bare name that only `from parent import *` can have brought."""
    last = split(importer.renaming.old)[1]
    has_star = any(alias.name == "*" for node in importer.names.imports for alias in node.names)
    for node, scope in importer.names.scopes.items() if has_star else ():
        if not isinstance(node, ast.Name) or node.id != last or scope.owner(last) is not None:
            continue
        if importer.renaming.old in importer.names.qualify(node):
            yield Unrewritten(importer.source.span(node)[0])
