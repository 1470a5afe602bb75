"""Scopes and bindings of one module, after Python's rules.

The rules are those of the language reference, section 4.2 (naming and binding): a name belongs to the innermost scope
that binds it, class scopes are skipped from within functions, `global` and `nonlocal` redirect.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Position = tuple[int, int]
"""Line, counted from 1, and column of a node."""


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


class Scope:
    """One scope and what it binds.

    Attributes:
        parent: the scope around it.
        kind: `module`, `class`, `function` or `comprehension`.
        imports: name -> the absolute targets of the imports that bind it.
        others: what else is bound.
        values: name -> the expressions that are assigned to it; each such name is among the others too.
        opaque: the names that are bound in a way that says nothing of the value.
        redirected: name -> `global` or `nonlocal`.
    """

    def __init__(self, parent: Scope | None, kind: str) -> None:
        self.parent = parent
        self.kind = kind
        self.imports: dict[str, set[str]] = defaultdict(set)
        self.others: set[str] = set()
        self.values: dict[str, list[ast.expr]] = defaultdict(list)
        self.opaque: set[str] = set()
        self.redirected: dict[str, str] = {}
        self._first: dict[str, Position] = {}

    @property
    def module(self) -> Scope:
        """The outermost scope."""
        return self if self.parent is None else self.parent.module

    def bind(self, name: str, at: Position, *, target: str | None = None, value: ast.expr | None = None) -> None:
        """Note a binding: of an import with its target, of an assignment with its value, or of any other kind."""
        self._first.setdefault(name, at)
        if target is not None:
            self.imports[name].add(target)
            return
        self.others.add(name)
        if value is None:
            self.opaque.add(name)
        else:
            self.values[name].append(value)

    def is_only(self, name: str, target: str) -> bool:
        """Whether this scope binds a name to what one import gives, or not at all."""
        return name not in self.others and self.imports.get(name, set()) <= {target}

    def owner(self, name: str, at: Position | None = None) -> Scope | None:
        """The scope whose binding `name` means here; None for a builtin or a name that is bound nowhere.

        Args:
            name: the name.
            at: where it stands; in the body of a class it means what is outside until the class binds it.
        """
        scope: Scope | None = self
        while scope is not None:
            redirect = scope.redirected.get(name)
            if redirect == "global":
                return self.module
            visible = scope is self or scope.kind != "class"
            if visible and redirect is None and scope.binds(name, at):
                return scope
            scope = scope.parent
        return None

    def binds(self, name: str, at: Position | None = None) -> bool:
        """Whether this scope itself binds a name, in the body of a class before a position."""
        if name not in self.imports and name not in self.others:
            return False
        return self.kind != "class" or at is None or self._first[name] < at


class Bindings(ast.NodeVisitor):
    """Walks a module once and notes what each scope binds."""

    def __init__(self, tree: ast.Module, package: str) -> None:
        self._package = package
        self.top = self._scope = Scope(None, "module")
        self.scopes: dict[ast.Name | Definition | ast.Import, Scope] = {}
        self._assigned: dict[ast.expr, ast.expr] = {}
        self.visit(tree)

    def _bind(self, name: str, node: ast.AST, target: str | None = None, value: ast.expr | None = None) -> None:
        redirect = self._scope.redirected.get(name)
        scope = self._scope.module if redirect == "global" else self._scope
        scope.bind(name, position(node), target=target, value=value)

    def _within(self, kind: str, nodes: Iterable[ast.AST], arguments: Iterable[ast.arg] = ()) -> None:
        self._scope = Scope(self._scope, kind)
        for argument in arguments:
            self._bind(argument.arg, argument)
        for node in nodes:
            self.visit(node)
        self._scope = self._scope.parent or self._scope

    def visit_Import(self, node: ast.Import) -> None:
        self.scopes[node] = self._scope
        for alias in node.names:
            first = alias.name.partition(".")[0]
            self._bind(alias.asname or first, node, alias.name if alias.asname else first)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = absolute_module(self._package, node.level, node.module)
        for alias in node.names:
            if alias.name == "*":
                pass
            elif module is None:
                self._bind(alias.asname or alias.name, node)
            else:
                self._bind(alias.asname or alias.name, node, f"{module}.{alias.name}")

    def visit_Name(self, node: ast.Name) -> None:
        self.scopes[node] = self._scope
        at_the_top = self._scope.parent is None
        if isinstance(node.ctx, ast.Store) or (isinstance(node.ctx, ast.Del) and not at_the_top):
            self._bind(node.id, node, value=self._assigned.pop(node, None))

    def visit_Assign(self, node: ast.Assign) -> None:
        self._assigned |= {target: node.value for target in node.targets if isinstance(target, ast.Name)}
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if isinstance(node.target, ast.Name) and node.value is not None:
            self._assigned[node.target] = node.value
        elif self._scope.kind in ("module", "class"):
            self.visit(node.annotation)  # it binds nothing there, but makes a name local in a function
            return
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self._scope.redirected |= dict.fromkeys(node.names, "global")

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self._scope.redirected |= dict.fromkeys(node.names, "nonlocal")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.scopes[node] = self._scope
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self._bind(node.name, node)
        self._within("class", node.body)

    def _visit_function(self, node: _Function) -> None:
        self.scopes[node] = self._scope
        for part in node.decorator_list:
            self.visit(part)
        if node.returns is not None:
            self.visit(node.returns)
        self._bind(node.name, node)
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
        self._within("function", body, every)

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
            self._bind(name, node)
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
        for child in children(node):
            self.visit(child)


def position(node: ast.AST) -> Position:
    """Where a node stands; the module itself stands before everything."""
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below one, as `ast.iter_child_nodes` gives them in three times as long."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
    return found
