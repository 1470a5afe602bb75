"""Which import does this name come from?"""

from __future__ import annotations

import ast
from functools import cached_property

from m2build.patches.scopes import Bindings, Definition, Scope, absolute_module, children, position

_Import = ast.Import | ast.ImportFrom
IMPORT_CALLS = frozenset({"builtins.__import__", "importlib.__import__"})
"""What an import statement calls. Unlike `import_module` it gives the top package, unless a `fromlist` is given."""


class Names:
    """The names of one parsed module, and what they stand for.

    Each is worked out when it is first looked up: most modules only need their import statements looked at, and to
    resolve a decorator takes the scopes alone.
    """

    def __init__(self, tree: ast.Module, *, module: str, package: str) -> None:
        """Take a module.

        Args:
            tree: the parsed source.
            module: its dotted name, which its own definitions are qualified with.
            package: what its relative imports start from.
        """
        self._tree = tree
        self._module = module
        self._package = package

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        """Every node, in the order of `ast.walk`."""
        found: list[ast.AST] = [self._tree]
        for node in found:  # it grows meanwhile
            found += children(node)
        return found

    @cached_property
    def imports(self) -> list[_Import]:
        """Every import statement."""
        return [node for node in self._nodes if isinstance(node, _Import)]

    @cached_property
    def attributes(self) -> list[ast.Attribute]:
        """Every `x.y`."""
        return [node for node in self._nodes if isinstance(node, ast.Attribute)]

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call."""
        return [node for node in self._nodes if isinstance(node, ast.Call)]

    def texts(self, word: str) -> list[ast.Constant]:
        """Every string with a word in it, also within longer ones, except those that stand as a statement."""
        strings = [node for node in self._nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        found = [node for node in strings if isinstance(node.value, str) and word in node.value]
        alone = {node.value for node in self._nodes if isinstance(node, ast.Expr)} if found else set()
        return [node for node in found if node not in alone]

    @cached_property
    def outer(self) -> dict[ast.expr, ast.Attribute]:
        """What stands before a dot -> the whole `x.y`."""
        return {node.value: node for node in self.attributes}

    @cached_property
    def annotations(self) -> list[ast.Constant]:
        """Every string in an annotation, which is a type that is read later, unless it is one of the values there."""
        return [text for node in self._nodes for annotation in _annotations(node) for text in _types(annotation)]

    @cached_property
    def _bindings(self) -> Bindings:
        return Bindings(self._tree, self._package)

    @cached_property
    def stars(self) -> list[str]:
        """The modules of which everything is imported."""
        starred = (node for node in self.imports if isinstance(node, ast.ImportFrom) and node.names[0].name == "*")
        return [name for node in starred if (name := absolute_module(self._package, node.level, node.module))]

    @property
    def top(self) -> Scope:
        """The module's own scope."""
        return self._bindings.top

    @property
    def scopes(self) -> dict[ast.Name | Definition | ast.Import, Scope]:
        """The scope in which each name, each function or class definition and each `import` stands."""
        return self._bindings.scopes

    def qualify(self, node: ast.expr, scope: Scope | None = None) -> frozenset[str]:
        """The dotted names that a name, an attribute chain or a call that imports may stand for; nothing for the rest.

        `scope` is where to look, for an expression that is not itself part of the module.
        """
        if isinstance(node, ast.Attribute):
            return frozenset(f"{base}.{node.attr}" for base in self.qualify(node.value, scope))
        if isinstance(node, ast.Call):
            return self._imported_by(node, scope)
        if not isinstance(node, ast.Name):
            return frozenset()
        owner = (scope or self.scopes[node]).owner(node.id, position(node))
        if owner is None:
            stars = (f"{star}.{node.id}" for star in self.stars)
            return frozenset([f"builtins.{node.id}", *stars])
        found = set(owner.imports.get(node.id, ()))
        if owner is self.top and node.id in owner.others:
            found.add(f"{self._module}.{node.id}")
        return frozenset(found)

    def _imported_by(self, call: ast.Call, scope: Scope | None) -> frozenset[str]:
        """What `import_module("a.b")` and `__import__("a.b")` give: the module, or the top one without `fromlist`."""
        name = call.args[0] if call.args else None
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str) or name.value.startswith("."):
            return frozenset()
        called = self.qualify(call.func, scope)
        if called & IMPORT_CALLS:
            given = fromlist(call)
            whole = given is not None and (not isinstance(given, ast.List | ast.Tuple) or bool(given.elts))
            return frozenset([name.value if whole else name.value.partition(".")[0]])
        return frozenset([name.value] if "importlib.import_module" in called else [])


def fromlist(call: ast.Call) -> ast.expr | None:
    """What a call of `__import__` imports from the module, if it says so."""
    given = [*call.args[3:4], *(keyword.value for keyword in call.keywords if keyword.arg == "fromlist")]
    return given[0] if given else None


def _annotations(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.AnnAssign(annotation=annotation) | ast.arg(annotation=ast.expr() as annotation):
            return [annotation]
        case ast.FunctionDef(returns=ast.expr() as annotation) | ast.AsyncFunctionDef(returns=ast.expr() as annotation):
            return [annotation]
    return []


def _types(annotation: ast.AST) -> list[ast.Constant]:
    """The strings of an annotation that are types: not those of `Literal`, and of `Annotated` only the first."""
    match annotation:
        case ast.Constant(value=str()):
            return [annotation]
        case ast.Subscript(value=ast.Name(id="Literal") | ast.Attribute(attr="Literal")):
            return []
        case ast.Subscript(
            value=ast.Name(id="Annotated") | ast.Attribute(attr="Annotated"), slice=ast.Tuple(elts=[first, *_])
        ):
            return _types(first)
    return [text for child in children(annotation) for text in _types(child)]
