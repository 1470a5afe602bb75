"""What expressions of source code evaluate to, found without running them.

Only constants and what is made of them by a few operations has a value here; anything else is refused, with its place.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from m2build.documents.shown import shortened
from m2build.launch.flags.model import NotProvableError
from m2build.launch.flags.modules import Modules, Scope
from m2build.launch.flags.operations import COLLECTIONS, as_set, operated
from m2build.launch.flags.values import Member, Outside, SourceClass, SourceFunction, Table, UnfoldableError

_MOST_STEPS = 200_000
"""Expressions that are evaluated for one server; SGLang 0.5.23 takes some 10,000."""
_DEEPEST = 60
"""Expressions inside each other, through all names that they refer to."""


class Folder:
    """Evaluates expressions of one source tree."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.special: dict[str, Callable[[Sequence[object]], object]] = {}
        """Functions of the tree, by name, whose results are known without reading them."""
        self._classes: dict[int, Scope] = {}
        self._steps = 0
        self._depth = 0

    def fold(self, node: ast.expr, scope: Scope) -> object:
        """The value of an expression.

        Raises:
            UnfoldableError: it has none before it runs.
            NotProvableError: a module that it refers to cannot be parsed, or all expressions together take too long.
        """
        with self._counted(node, scope):
            match node:
                case ast.Constant(value=value):
                    return value
                case ast.Name(id=name):
                    return self.name(name, scope, node)
                case ast.Attribute():
                    return self._attribute(node, scope)
                case ast.Call():
                    return self._call(node, scope)
                case ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.ListComp():
                    return self._collection(node, scope)
                case _:
                    return self._operation(node, scope)

    @contextmanager
    def _counted(self, node: ast.expr, scope: Scope) -> Iterator[None]:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise NotProvableError(
                f"{scope.path}:{node.lineno}: the flags take more than {_MOST_STEPS:,} steps to read"
            )
        if self._depth > _DEEPEST:
            raise _refusal(node, scope)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def items(self, node: ast.expr, scope: Scope) -> Sequence[object]:
        """What a loop over an expression sees.

        Raises:
            UnfoldableError: that is not known before it runs.
        """
        match self.fold(node, scope):
            case list() | tuple() as items:
                return items
            case frozenset() as items:
                return sorted(items, key=repr)
            case Table(keys=keys):
                return keys
            case SourceClass(is_enumeration=True) as owner:
                return self._members(owner)
        raise _refusal(node, scope)

    def name(self, name: str, scope: Scope, node: ast.expr) -> object:
        """What a name stands for at a place in the sources.

        Raises:
            UnfoldableError: that is not known before it runs.
        """
        where: Scope | None = scope
        while where is not None:
            if name in where.values:
                return where.values[name]
            if name in where.unsettled:
                raise _refusal(node, scope)
            if name in where.bindings:
                return self._bound(name, where.bindings[name], where, node)
            where = where.outer
        return Outside(name)

    def class_scope(self, owner: SourceClass) -> Scope:
        """The names that a class's own statements bind."""
        if id(owner.node) not in self._classes:
            self._classes[id(owner.node)] = owner.scope.inner(owner.node.body)
        return self._classes[id(owner.node)]

    def _bound(self, name: str, statement: ast.stmt, scope: Scope, node: ast.expr) -> object:
        match statement:
            case ast.Assign(targets=[ast.Name()], value=value):
                return self.fold(value, scope)
            case ast.AnnAssign(value=ast.expr() as value):
                return self.fold(value, scope)
            case ast.ClassDef():
                return SourceClass(statement, scope)
            case ast.FunctionDef():
                return SourceFunction(statement, scope)
            case ast.ImportFrom(module=str(module), level=0, names=aliases):
                return self._imported(_original(name, aliases), module, node)
            case ast.Import(names=aliases):
                return Outside(_original(name, aliases))
        raise _refusal(node, scope)

    def _imported(self, name: str, module: str, node: ast.expr) -> object:
        target = self.modules.scope(module)
        if target is None:
            return Outside(f"{module}.{name}")
        if name not in target.bindings:
            raise UnfoldableError(f"{target.path} does not define {name}")
        with self._counted(node, target):
            return self.name(name, target, node)

    def _collection(self, node: ast.expr, scope: Scope) -> object:
        match node:
            case ast.List(elts=parts):
                return self._listed(parts, scope)
            case ast.Tuple(elts=parts):
                return tuple(self._listed(parts, scope))
            case ast.Set(elts=parts):
                return as_set(self._listed(parts, scope))
            case ast.Dict(keys=keys, values=values) if None not in keys:
                return Table(tuple(self.fold(key, scope) for key in keys if key), tuple(values), scope)
            case ast.ListComp(elt=element, generators=[ast.comprehension(target=ast.Name(id=name), ifs=[]) as loop]):
                items = self.items(loop.iter, scope)
                return [self.fold(element, scope.inner(values={name: item})) for item in items]
        raise _refusal(node, scope)

    def _listed(self, parts: Sequence[ast.expr], scope: Scope) -> list[object]:
        found: list[object] = []
        for part in parts:
            found += self.items(part.value, scope) if isinstance(part, ast.Starred) else [self.fold(part, scope)]
        return found

    def _operation(self, node: ast.expr, scope: Scope) -> object:
        match node:
            case ast.BinOp(left=left, op=kind, right=right):
                return operated(self.fold(left, scope), kind, self.fold(right, scope))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return operated(0, ast.Sub(), self.fold(operand, scope))
            case ast.Subscript(value=value, slice=index):
                return self._item(self.fold(value, scope), self.fold(index, scope), node, scope)
            case ast.JoinedStr(values=parts):
                return "".join(str(self.fold(part, scope)) for part in parts)
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self.fold(value, scope)
        raise _refusal(node, scope)

    def _item(self, value: object, index: object, node: ast.expr, scope: Scope) -> object:
        if isinstance(value, list | tuple) and type(index) is int and -len(value) <= index < len(value):
            found: object = value[index]
            return found
        if isinstance(value, Table) and value.keys.count(index) == 1:
            return self.fold(value.values[value.keys.index(index)], value.scope)
        raise _refusal(node, scope)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> object:
        match self.fold(node.value, scope):
            case Outside(dotted=dotted):
                return Outside(f"{dotted}.{node.attr}")
            case Member(name=name, value=value) if node.attr in {"name", "value"}:
                return name if node.attr == "name" else value
            case SourceClass() as owner:
                inner = self.class_scope(owner)
                found = [member for member in self._members(owner) if member.name == node.attr]
                if found or node.attr in inner.bindings:
                    return found[0] if found else self.name(node.attr, inner, node)
        raise _refusal(node, scope)

    def _members(self, owner: SourceClass) -> list[Member]:
        """The members of an enumeration; none of another class."""
        inner = self.class_scope(owner)
        return [
            Member(name, self.fold(statement.value, inner))
            for name, statement in (inner.bindings.items() if owner.is_enumeration else ())
            if isinstance(statement, ast.Assign) and not name.startswith("_")
        ]

    def _call(self, node: ast.Call, scope: Scope) -> object:
        if node.keywords:
            raise _refusal(node, scope)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS and not node.args:
            return self._method(node.func, scope)
        match self.fold(node.func, scope):
            case SourceFunction(node=function, scope=home):
                arguments = [self.fold(argument, scope) for argument in node.args]
                if function.name in self.special:
                    return self.special[function.name](arguments)
                if not arguments:
                    return self._returned(function, home.inner())
            case Outside(dotted="sys.modules.get"):
                return None  # no plugin has imported anything
            case Outside(dotted=name) if name in COLLECTIONS and len(node.args) == 1:
                return COLLECTIONS[name](self.items(node.args[0], scope))
        raise _refusal(node, scope)

    def _method(self, called: ast.Attribute, scope: Scope) -> object:
        match self.fold(called.value, scope):
            case Table(keys=keys) if called.attr == "keys":
                return list(keys)
            case str(text) if called.attr != "keys":
                return text.lower() if called.attr == "lower" else text.upper()
        raise _refusal(called, scope)

    def _returned(self, function: ast.FunctionDef, scope: Scope) -> object:
        """What a function without arguments returns, if only `X is None` and `X is not None` decide it."""
        pending = list(function.body)
        while pending:
            statement = pending.pop(0)
            match statement:
                case ast.Return(value=ast.expr() as value):
                    return self.fold(value, scope)
                case ast.If(test=ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as how], comparators=[none])) if (
                    self.fold(none, scope) is None
                ):
                    is_taken = (self.fold(left, scope) is None) == isinstance(how, ast.Is)
                    pending = [*(statement.body if is_taken else statement.orelse), *pending]
                case ast.Assign(targets=[ast.Name()]) | ast.ImportFrom():
                    scope = scope.inner([statement])
                case ast.Expr(value=ast.Constant()):
                    continue
                case _:
                    break
        raise UnfoldableError(f"{scope.path}:{function.lineno}: {function.name}() is decided when it runs")


_METHODS = frozenset({"keys", "lower", "upper"})


def _original(name: str, aliases: Sequence[ast.alias]) -> str:
    """What a name is called where it was imported from; of `import a.b`, which binds `a`, that is `a`."""
    found = next((alias.name for alias in aliases if (alias.asname or alias.name) == name), None)
    return found or name


def _refusal(node: ast.expr, scope: Scope) -> UnfoldableError:
    return UnfoldableError(f"{scope.path}:{node.lineno}: {shortened(ast.unparse(node), 80)}")
