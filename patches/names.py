"""Which import does this name come from? Scopes and bindings of one module, after Python's rules.

The rules are those of the language reference, section 4.2 (naming and binding): a name belongs to the innermost scope
that binds it, class scopes are skipped from within functions, `global` and `nonlocal` redirect.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Import = ast.Import | ast.ImportFrom
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Scope:
    """One scope and what it binds: imports with their absolute targets, and everything else."""

    def __init__(self, parent: Scope | None, kind: str) -> None:
        self.parent = parent
        self.kind = kind
        self.imports: dict[str, set[str]] = defaultdict(set)
        self.others: set[str] = set()
        self.redirected: dict[str, str] = {}

    @property
    def module(self) -> Scope:
        """The outermost scope."""
        return self if self.parent is None else self.parent.module

    def owner(self, name: str) -> Scope | None:
        """The scope whose binding `name` means here; None for a builtin or a name that is bound nowhere."""
        scope: Scope | None = self
        while scope is not None:
            redirect = scope.redirected.get(name)
            if redirect == "global":
                return self.module
            visible = scope is self or scope.kind != "class"
            if visible and redirect is None and (name in scope.imports or name in scope.others):
                return scope
            scope = scope.parent
        return None


def absolute_module(package: str, level: int, module: str | None) -> str | None:
    """Resolve the `from` part of an import in `package`; None where it climbs above the top.

    >>> absolute_module("a.b", 2, "c")
    'a.c'
    """
    if level == 0:
        return module or ""
    parents = package.split(".") if package else []
    if level > len(parents):
        return None
    return ".".join(parents[: len(parents) - level + 1] + ([module] if module else []))


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
            found += _children(node)
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

    @cached_property
    def _bindings(self) -> _Bindings:
        return _Bindings(self._tree, self._package)

    @property
    def top(self) -> Scope:
        """The module's own scope."""
        return self._bindings.top

    @property
    def scopes(self) -> dict[ast.Name | Definition, Scope]:
        """The scope in which each name and each function or class definition stands."""
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
        owner = (scope or self.scopes[node]).owner(node.id)
        if owner is None:
            stars = (f"{star}.{node.id}" for star in self._bindings.stars)
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
        if "builtins.__import__" in called:
            given = [*call.args[3:4], *(keyword.value for keyword in call.keywords if keyword.arg == "fromlist")]
            whole = any(not isinstance(value, ast.List | ast.Tuple) or value.elts for value in given)
            return frozenset([name.value if whole else name.value.partition(".")[0]])
        return frozenset([name.value] if "importlib.import_module" in called else [])


class _Bindings(ast.NodeVisitor):
    """Walks a module once and notes what each scope binds."""

    def __init__(self, tree: ast.Module, package: str) -> None:
        self._package = package
        self.top = self._scope = Scope(None, "module")
        self.scopes: dict[ast.Name | Definition, Scope] = {}
        self.stars: list[str] = []
        self.visit(tree)

    def _bind(self, name: str, target: str | None = None) -> None:
        redirect = self._scope.redirected.get(name)
        scope = self._scope.module if redirect == "global" else self._scope
        if target is None:
            scope.others.add(name)
        else:
            scope.imports[name].add(target)

    def _within(self, kind: str, nodes: Iterable[ast.AST], names: Iterable[str] = ()) -> None:
        self._scope = Scope(self._scope, kind)
        for name in names:
            self._bind(name)
        for node in nodes:
            self.visit(node)
        self._scope = self._scope.parent or self._scope

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            first = alias.name.partition(".")[0]
            self._bind(alias.asname or first, alias.name if alias.asname else first)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = absolute_module(self._package, node.level, node.module)
        for alias in node.names:
            if alias.name == "*":
                self.stars += [module] if module else []
            elif module is None:
                self._bind(alias.asname or alias.name)
            else:
                self._bind(alias.asname or alias.name, f"{module}.{alias.name}")

    def visit_Name(self, node: ast.Name) -> None:
        self.scopes[node] = self._scope
        if not isinstance(node.ctx, ast.Load):
            self._bind(node.id)

    def visit_Global(self, node: ast.Global) -> None:
        self._scope.redirected |= dict.fromkeys(node.names, "global")

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self._scope.redirected |= dict.fromkeys(node.names, "nonlocal")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.scopes[node] = self._scope
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self._bind(node.name)
        self._within("class", node.body)

    def _visit_function(self, node: _Function) -> None:
        self.scopes[node] = self._scope
        for part in node.decorator_list:
            self.visit(part)
        if node.returns is not None:
            self.visit(node.returns)
        self._bind(node.name)
        self._within_arguments(node.args, node.body)

    def _within_arguments(self, arguments: ast.arguments, body: Iterable[ast.AST]) -> None:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [star for star in (arguments.vararg, arguments.kwarg) if star is not None]
        for outside in (
            *arguments.defaults,
            *arguments.kw_defaults,
            *(argument.annotation for argument in every),
        ):
            if outside is not None:
                self.visit(outside)
        self._within("function", body, [argument.arg for argument in every])

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._within_arguments(node.args, [node.body])

    def _visit_comprehension(self, node: _Comprehension) -> None:
        first, *rest = node.generators
        self.visit(first.iter)
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._within("comprehension", [first.target, *first.ifs, *rest, *results])

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._visit_comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._visit_comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._visit_comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._visit_comprehension(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        inner = self._scope
        while self._scope.kind == "comprehension" and self._scope.parent is not None:
            self._scope = self._scope.parent
        self.visit(node.target)
        self._scope = inner

    # Exception handlers and match patterns keep the names that they bind as plain strings.

    def _visit_named(self, node: ast.AST, name: str | None) -> None:
        if name is not None:
            self._bind(name)
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._visit_named(node, node.name)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self._visit_named(node, node.name)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        self._visit_named(node, node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self._visit_named(node, node.rest)

    def generic_visit(self, node: ast.AST) -> None:
        for child in _children(node):
            self.visit(child)


def _children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below one, as `ast.iter_child_nodes` gives them in three times as long."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
    return found
