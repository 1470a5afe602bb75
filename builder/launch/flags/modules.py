"""The modules of a source tree as syntax, and what each top-level name of a module is bound to."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from m2build.errors import PatchError
from m2build.launch.flags.model import NotProvableError
from m2build.patches.text import read_python
from m2build.patches.tree import SourceTree

_MUTATORS = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "remove", "update", "setdefault"}
)


@dataclass(frozen=True)
class Scope:
    """The names that statements bind, and the module that they are in.

    Attributes:
        module: the module's dotted name.
        path: its file.
        bindings: the statement that binds each name.
        unsettled: names that a single statement does not decide: bound twice, under a condition, or changed later.
        outer: where other names are looked up; None above a module.
        values: names that were given a value while an expression is evaluated, as a comprehension's.
    """

    module: str
    path: str
    bindings: dict[str, ast.stmt] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)
    outer: Scope | None = None
    values: Mapping[str, object] = field(default_factory=dict)

    def inner(self, statements: Sequence[ast.stmt] = (), values: Mapping[str, object] = MappingProxyType({})) -> Scope:
        """A scope inside this one, with the names that some statements bind, and some values."""
        scope = Scope(self.module, self.path, outer=self, values=values)
        for statement in statements:
            _bind(scope, statement, is_certain=True)
        return scope


class Modules:
    """The modules of a tree, each parsed when it is first asked for, and once."""

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree
        self._known: dict[str, tuple[ast.Module, Scope] | None] = {}

    def scope(self, name: str) -> Scope | None:
        """The top-level names of a module, or None if it is not in the tree.

        Raises:
            NotProvableError: it cannot be parsed.
        """
        found = self._parsed(name)
        return found[1] if found else None

    def statements(self, name: str) -> list[ast.stmt]:
        """The top-level statements of a module; none if it is not in the tree.

        Raises:
            NotProvableError: it cannot be parsed.
        """
        found = self._parsed(name)
        return found[0].body if found else []

    def _parsed(self, name: str) -> tuple[ast.Module, Scope] | None:
        if name not in self._known:
            self._known[name] = self._parse(name)
        return self._known[name]

    def _parse(self, name: str) -> tuple[ast.Module, Scope] | None:
        stem = name.replace(".", "/")
        path = next((path for path in (f"{stem}/__init__.py", f"{stem}.py") if path in self._tree), None)
        if path is None:
            return None
        try:
            module = read_python(path, self._tree[path].content).parse()
        except PatchError as error:
            raise NotProvableError(error.message) from error
        scope = Scope(name, path)
        for statement in module.body:
            _bind(scope, statement, is_certain=True)
        return module, scope


def _bind(scope: Scope, statement: ast.stmt, *, is_certain: bool) -> None:
    for name in _bound(statement):
        if name in scope.bindings or not is_certain:
            scope.unsettled.add(name)
        scope.bindings[name] = statement
    scope.unsettled.update(_changed(statement))
    for part in _branches(statement):
        _bind(scope, part, is_certain=False)


def _bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.Assign(targets=targets):
            yield from (name for target in targets for name in _names(target, ast.Store))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.Import(names=aliases):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases)


def _changed(statement: ast.stmt) -> Iterator[str]:
    """The names whose value a statement changes in place, or binds in another way than those above."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method))) if method in _MUTATORS:
            yield name
        case ast.AugAssign(target=target) | ast.For(target=target) | ast.AsyncFor(target=target):
            yield from _names(target)
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            for target in targets:
                if isinstance(target, ast.Subscript) or isinstance(statement, ast.Delete):
                    yield from _names(target)


def _names(target: ast.expr, how: type[ast.expr_context] = ast.expr_context) -> Iterator[str]:
    yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, how))


def _branches(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statements inside another one that may run or not; classes and functions have scopes of their own."""
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from child.body
