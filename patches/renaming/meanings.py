"""Which modules of the tree an expression in one file may stand for."""

from __future__ import annotations

import ast
import builtins

from m2build.patches.modules import ModuleFile
from m2build.patches.names import Names
from m2build.patches.renaming.packages import UNKNOWN, Meaning, Packages
from m2build.patches.scopes import Scope, absolute_module, position


class Meanings:
    """Follows names, attributes, simple assignments and literal imports of one file to modules."""

    def __init__(self, names: Names, module: ModuleFile, packages: Packages) -> None:
        self._names = names
        self._module = module
        self._packages = packages
        self._active: set[ast.expr] = set()

    def of(self, node: ast.expr, scope: Scope | None = None) -> Meaning:
        """What an expression stands for.

        Args:
            node: the expression.
            scope: where to look, for one that is not itself part of the file.
        """
        if node in self._active:
            return UNKNOWN
        self._active.add(node)
        try:
            return self._of(node, scope)
        finally:
            self._active.remove(node)

    def _of(self, node: ast.expr, scope: Scope | None) -> Meaning:
        found = UNKNOWN
        match node:
            case ast.Name():
                found = self._of_name(node, scope)
            case ast.Attribute(value=base, attr=name):
                found = self._packages.member(self.of(base, scope), name)
            case ast.Call(func=ast.Name(id="getattr"), args=[base, ast.Constant(value=str(name)), *_]):
                found = self._packages.member(self.of(base, scope), name)
            case ast.Call(func=ast.Attribute(value=base, attr="get"), args=[ast.Constant(value=str(name)), *_]):
                found = self._of_modules(name) if "sys.modules" in self._names.qualify(base, scope) else UNKNOWN
            case ast.Call():
                found = self._of_import(node, scope)
            case ast.Subscript(value=ast.Attribute() as base, slice=ast.Constant(value=str(name))):
                found = self._of_modules(name) if "sys.modules" in self._names.qualify(base, scope) else UNKNOWN
            case ast.IfExp(body=one, orelse=other):
                found = self.of(one, scope).or_else(self.of(other, scope))
            case ast.Constant(value=None):
                found = Meaning()
        return found

    def _of_name(self, node: ast.Name, scope: Scope | None) -> Meaning:
        owner = (scope or self._names.scopes[node]).owner(node.id, position(node))
        if owner is None:
            return self._of_unbound(node.id)
        found = Meaning(certain=node.id not in owner.opaque)
        for target in owner.imports.get(node.id, ()):
            found = found.or_else(self._packages.resolve(target))
        for value in owner.values.get(node.id, ()):
            found = found.or_else(self.of(value))
        return found

    def _of_unbound(self, name: str) -> Meaning:
        """A name that no statement binds: it came with all that a module exports, or with the import of a submodule."""
        if name in vars(builtins):
            return UNKNOWN
        below = f"{self._module.name}.{name}"
        is_package = self._module.name == self._module.package
        found = Meaning()
        for star in self._names.stars:
            may, _ = self._packages.starred(star, name)
            found = found.or_else(self._packages.resolve(f"{star}.{name}") if may else Meaning())
        if is_package and self._packages.exists(below):
            found = found.or_else(Meaning(frozenset([below])))
        return found if found.modules else UNKNOWN

    def _of_import(self, call: ast.Call, scope: Scope | None) -> Meaning:
        """A call of `import_module` or `__import__` with a literal name."""
        (imported,) = self._names.qualify(call, scope) or (None,)
        if imported is not None:
            return self._of_modules(imported)
        match call:
            case ast.Call(args=[ast.Constant(value=str(name)), ast.Name(id="__name__" | "__package__")]):
                if name.startswith(".") and "importlib.import_module" in self._names.qualify(call.func, scope):
                    level = len(name) - len(name.lstrip("."))
                    return self._of_modules(absolute_module(self._module.package, level, name.lstrip(".")) or "")
        return UNKNOWN

    def _of_modules(self, name: str) -> Meaning:
        """What `sys.modules` holds under a name: the module, whatever its package binds to the name."""
        return Meaning(frozenset([name])) if self._packages.exists(name) else UNKNOWN
