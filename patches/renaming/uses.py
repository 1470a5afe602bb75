"""Dotted uses (`a.b.c.f()` after `import a.b.c`, `m.c` after `import a.b as m`) follow the module."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from m2build.patches.modules import split
from m2build.patches.places import InexactError, Place
from m2build.patches.renaming.flow import dotted_name
from m2build.patches.renaming.importer import Expression, Importer, LastName, New, Unrewritten
from m2build.patches.renaming.packages import Standing
from m2build.patches.renaming.roots import check_lost_root, has_root, root_name
from m2build.patches.scopes import Scope, position


def dotted_uses(importer: Importer) -> Iterator[Place[New] | Unrewritten]:
    """Each use of the module by a dotted name.

    Raises:
        InexactError: a use cannot follow the module; the message says where and why.
    """
    uses = list(_attribute_uses(importer) if "." in importer.renaming.old else _root_uses(importer))
    check_lost_root(importer, {use.start for use in uses if isinstance(use, Place)})
    yield from uses
    yield from _bare_uses(importer)


def _attribute_uses(importer: Importer) -> Iterator[Place[New] | Unrewritten]:
    parent, last = split(importer.renaming.old)
    unknown = []
    for node in importer.names.attributes:
        if node.attr != last:
            continue
        base = importer.meanings.of(node.value)
        if parent not in base.modules:
            unknown += [node] if not base.modules else []
        elif importer.standing is Standing.KEPT:
            pass
        elif importer.standing is Standing.UNSURE:
            yield importer.left(node, f"{parent} may bind {last} to something else")
        elif not base.certain or base.modules != {parent}:
            yield importer.left(node, f"{ast.unparse(node.value)} may be something else than {parent}")
        else:
            yield _followed(importer, node)
    if unknown and importer.standing is not Standing.KEPT:
        yield from _uses_of_unknown(importer, unknown, parent)


def _uses_of_unknown(importer: Importer, unknown: list[ast.Attribute], parent: str) -> Iterator[Unrewritten]:
    """Attributes of the module's name, of objects of which nothing else is known than who may have handed them on."""
    is_handed_on = _is_handed_on(importer, parent)
    for node in unknown:
        if is_handed_on and (dotted_name(node) is None or not _is_imported(importer, node)):
            yield importer.left(node, f"{ast.unparse(node.value)} may be {parent}, which this file hands on")
        elif _may_come_from_elsewhere(importer, node.value):
            yield importer.left(node, f"{ast.unparse(node.value)} may be {parent}, which another module hands on")


def _may_come_from_elsewhere(importer: Importer, node: ast.expr) -> bool:
    """Whether a call's function is imported from a module of the tree that spells the module's package."""
    parent = split(importer.renaming.old)[0]
    return isinstance(node, ast.Call) and any(
        importer.packages.spells(name, split(parent)[1]) for name in importer.names.qualify(node.func)
    )


def _followed(importer: Importer, node: ast.Attribute) -> Place[New]:
    old, new = importer.renaming.old, importer.renaming.new
    last = split(old)[1]
    start, end = importer.source.span(node)
    if importer.source.text[end - len(last) : end] != last:
        raise InexactError(f"{importer.where(node)}: {last} is spelled in an unusual way")
    if importer.renaming.keeps_parent:
        return Place(start, end, LastName(split(new)[1]))
    if ast.unparse(node) != old or not has_root(importer, node):
        raise InexactError(f"{importer.where(node)}: this use of {old} cannot follow it to another package")
    _check_capture(importer, node, new.partition(".")[0])
    return Place(start, end, Expression(new))


def _check_capture(importer: Importer, node: ast.expr, root: str) -> None:
    """Stop if the first name of what would stand in place of a use means something else there."""
    name = root_name(node)
    owner = importer.names.scopes[name].owner(root, position(name)) if name else None
    if owner is not None and not owner.is_only(root, root):
        raise InexactError(f"{importer.where(node)}: {root} is something else here, so that this use cannot follow")


def _is_handed_on(importer: Importer, parent: str) -> bool:
    """Whether the file uses the module's package as a value, so that another expression may stand for it."""
    names = importer.names
    scopes = [scope for scope in set(names.scopes.values()) if scope.kind != "class"]
    followed = {value for scope in scopes for found in scope.values.values() for value in found}
    loose = [node for node in (*names.scopes, *names.attributes) if isinstance(node, ast.Name | ast.Attribute)]
    return any(
        isinstance(node.ctx, ast.Load)
        and node not in names.outer
        and node not in followed
        and parent in importer.meanings.of(node).modules
        for node in loose
    )


def _is_imported(importer: Importer, node: ast.expr) -> bool:
    """Whether a dotted name starts at an import, whose modules are known."""
    name = root_name(node)
    owner = importer.names.scopes[name].owner(name.id, position(name)) if name else None
    return owner is not None and name is not None and name.id in owner.imports and name.id not in owner.others


def _root_uses(importer: Importer) -> Iterator[Place[New] | Unrewritten]:
    old, new = importer.renaming.old, importer.renaming.new
    for node, owner in _uses_of(importer, old) if importer.root_uses_follow() else ():
        if not owner.is_only(old, old):
            raise InexactError(f"{importer.where(node)}: {old} is bound to something else as well")
        _check_capture(importer, node, new.partition(".")[0])
        yield Place(*importer.source.span(node), Expression(new))


def _uses_of(importer: Importer, root: str) -> Iterator[tuple[ast.Name, Scope]]:
    """Each use of a name that an import binds to the top-level package of that name, with the scope that binds it."""
    for node, scope in importer.names.scopes.items():
        if isinstance(node, ast.Name) and node.id == root:
            owner = scope.owner(root, position(node))
            if owner is not None and root in owner.imports.get(root, ()):
                yield node, owner


def _bare_uses(importer: Importer) -> Iterator[Place[New] | Unrewritten]:
    """A bare name that no statement binds: `from parent import *` has brought it, or in the parent an import has."""
    old, last = importer.renaming.old, split(importer.renaming.old)[1]
    if not importer.is_parent and not importer.names.stars:
        return
    for node, scope in importer.names.scopes.items():
        if not isinstance(node, ast.Name) or node.id != last or scope.owner(last, position(node)) is not None:
            continue
        if old not in importer.meanings.of(node).modules or importer.standing is Standing.KEPT:
            continue
        if importer.is_parent and importer.standing is Standing.FOLLOWS:
            yield _own_use(importer, node, scope)
        elif not importer.packages.keeps_name(old):
            yield importer.left(node, f"it may be {old}, which an import of everything brings")


def _own_use(importer: Importer, node: ast.Name, scope: Scope) -> Place[New]:
    """In the package itself, an import of the module binds its name as a side effect, and will bind the new one."""
    old, new = importer.renaming.old, split(importer.renaming.new)[1]
    if not importer.renaming.keeps_parent:
        raise InexactError(f"{importer.where(node)}: this use of {old} cannot follow it to another package")
    if scope.owner(new, position(node)) is not None or new in vars(builtins):
        raise InexactError(f"{importer.where(node)}: {new} is something else here, so that this use cannot follow")
    return Place(*importer.source.span(node), Expression(new))
