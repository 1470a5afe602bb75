"""What an expression may stand for beyond what is certain: aliases, `getattr`, and what other modules hand on."""

from __future__ import annotations

import ast

from m2build.patches.names import Names
from m2build.patches.renaming.packages import Packages
from m2build.patches.scopes import position


class Possible:
    """The dotted names that the expressions of one file may stand for."""

    def __init__(self, names: Names, packages: Packages | None) -> None:
        """Take a file's names, and the modules of its tree, through which imports are followed."""
        self._names = names
        self._packages = packages
        self._active: set[ast.expr] = set()

    def names_of(self, node: ast.expr) -> frozenset[str]:
        """Every dotted name that an expression may stand for."""
        if node in self._active:  # `x = x` in a class: the one outside
            return frozenset([f"builtins.{node.id}"] if isinstance(node, ast.Name) else [])
        self._active.add(node)
        try:
            found = self._names_of(node)
        finally:
            self._active.remove(node)
        return found.union(*(self._packages.paths(name) for name in found)) if self._packages else found

    def _names_of(self, node: ast.expr) -> frozenset[str]:
        match node:
            case ast.Name():
                owner = self._names.scopes[node].owner(node.id, position(node))
                values = owner.values.get(node.id, []) if owner else []
                return self._names.qualify(node).union(*(self.names_of(value) for value in values))
            case ast.Attribute(value=base, attr=name):
                return frozenset(f"{one}.{name}" for one in self.names_of(base))
            case ast.Call(func=ast.Name(id="getattr"), args=[base, ast.Constant(value=str(name)), *_]):
                return frozenset(f"{one}.{name}" for one in self.names_of(base))
            case ast.Call():
                return self._names.qualify(node)
            case ast.Subscript(value=base, slice=ast.Constant(value=str(name))):
                return frozenset([name] if "sys.modules" in self._names.qualify(base) else [])
        return frozenset()
