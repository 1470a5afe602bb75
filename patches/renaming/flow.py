"""What the statements of one module leave bound to one of its names: its top level, executed over all branches."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import Protocol

from m2build.patches.scopes import absolute_module, children

_INNER = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
_Compound = ast.If | ast.While | ast.For | ast.AsyncFor | ast.With | ast.AsyncWith | ast.Match
_COMPREHENSION = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Sort(Enum):
    """What is bound to a name, if it is not another module's name."""

    UNBOUND = auto()
    """Nothing; once the submodule of that name is imported, it is that."""
    SUBMODULE = auto()
    """The submodule, set by an import of it as a side effect."""
    BOUND = auto()
    """The submodule, by a statement that binds the name."""
    FALLBACK = auto()
    """Something that stands in for what could not be imported, or `None`."""
    OTHER = auto()
    """Something else, or something that is not known."""


Value = Sort | str
"""A sort, or the dotted path of what the name was imported as."""


class Stars(Protocol):
    """Who knows the other modules."""

    def exists(self, module: str) -> bool:
        """Whether there is such a module."""

    def comes_from(self, path: str, module: str) -> bool:
        """Whether what is imported as a dotted path comes from a module, and so has imported it."""

    def starred(self, module: str, name: str) -> tuple[bool, bool]:
        """Whether it may bring a name, and whether it certainly does."""


class Flow:
    """Follows one name through one module."""

    def __init__(self, stars: Stars, module: str, package: str, name: str) -> None:
        self._stars = stars
        self._module = module
        self._package = package
        self._name = name
        self._below = f"{module}.{name}"
        self._loaded = False
        self._in_handler = False
        self._now: frozenset[Value] = frozenset([Sort.UNBOUND])
        self.before: dict[ast.stmt, frozenset[Value]] = {}
        """What was bound before each `from` statement that imports the name of the package itself."""

    def values_after(self, syntax: ast.Module, content: bytes) -> frozenset[Value]:
        """What is bound once the module is imported."""
        self._run(syntax.body)
        found = set(self._now)
        is_loaded = self._loaded or any(
            isinstance(value, str) and self._stars.comes_from(value, self._below) for value in found
        )
        if not is_loaded and self._stars.exists(self._below):
            found.add(Sort.UNBOUND)  # a later import of the submodule sets the name
        word = re.escape(self._name.encode())
        if re.search(rb"\bglobal\b[^\r\n]*\b%b\b" % word, content):
            found.add(Sort.OTHER)
        is_computed = Sort.UNBOUND in found and re.search(rb"(?m)^def __getattr__\b", content) is not None
        if is_computed and re.search(rb"""["']%b["']""" % word, content):
            found.add(Sort.OTHER)
        return frozenset(found)

    def _run(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import():
                self._import(node)
            case ast.ImportFrom():
                self._import_from(node)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.If() | ast.While() | ast.For() | ast.AsyncFor() | ast.With() | ast.AsyncWith() | ast.Match():
                self._compound(node)
            case ast.Delete(targets=targets):
                if any(isinstance(target, ast.Name) and target.id == self._name for target in targets):
                    self._now = frozenset([Sort.UNBOUND])
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == self._name:
                self._bind(self._value(value))
            case ast.AnnAssign(target=ast.Name(), value=None):
                pass
            case _:
                self._look(node)

    def _compound(self, node: _Compound) -> None:
        match node:
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    self._look(item)
                self._run(body)
            case ast.Match(cases=cases):
                self._branches([[], *(case.body for case in cases)])
            case ast.If(test=test, body=body, orelse=orelse):
                self._look(test)
                self._branches([body, orelse])
            case ast.While(test=head, body=body, orelse=orelse):
                self._look(head)
                self._branches([[*body, *orelse], orelse])
            case ast.For(target=head, body=body, orelse=orelse) | ast.AsyncFor(target=head, body=body, orelse=orelse):
                self._look(head)
                self._branches([[*body, *orelse], orelse])

    def _look(self, node: ast.AST) -> None:
        if self._name in bound_names(node):
            self._bind(Sort.OTHER)

    def _branches(self, branches: Sequence[Sequence[ast.stmt]]) -> None:
        start, ends = self._now, frozenset[Value]()
        for branch in branches:
            self._now = start
            self._run(branch)
            ends |= self._now
        self._now = ends

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        start = self._now
        self._run(node.body)
        broken = start | self._now
        self._run(node.orelse)
        ends, outer = self._now, self._in_handler
        for handler in node.handlers:
            self._now, self._in_handler = broken if len(node.body) > 1 else start, True
            if handler.name == self._name:
                self._now = frozenset([Sort.UNBOUND])
            self._run(handler.body)
            if not isinstance(handler.body[-1], ast.Raise):
                ends |= self._now
            self._in_handler = outer
        self._now = ends
        self._run(node.finalbody)

    def _bind(self, value: Value) -> None:
        value = Sort.BOUND if value == self._below else value
        self._now = frozenset([Sort.FALLBACK if self._in_handler and value is not Sort.BOUND else value])

    def _value(self, value: ast.expr) -> Value:
        if isinstance(value, ast.Constant) and value.value is None:
            return Sort.FALLBACK
        dotted = dotted_name(value)
        return f"{self._module}.{dotted}" if dotted and dotted.partition(".")[0] != self._name else Sort.OTHER

    def _load(self, module: str) -> None:
        """An import of the submodule sets the name, if it is the first one."""
        if f"{module}.".startswith(f"{self._below}.") and not self._loaded:
            self._loaded = True
            self._now = frozenset([Sort.SUBMODULE])

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._load(alias.name)
            first = alias.name.partition(".")[0]
            if (alias.asname or first) == self._name:
                self._bind(alias.name if alias.asname else first)

    def _import_from(self, node: ast.ImportFrom) -> None:
        origin = absolute_module(self._package, node.level, node.module)
        if origin is None:
            return
        self._load(origin)
        for alias in node.names:
            bound = alias.asname or alias.name
            if alias.name == "*":
                self._star(origin)
            elif origin == self._module and alias.name == self._name:
                self._import_own(node, bound)
            elif bound == self._name:
                self._bind(f"{origin}.{alias.name}")

    def _import_own(self, node: ast.ImportFrom, bound: str) -> None:
        """In the package itself the statement gives what is bound already, else the submodule."""
        self.before[node] = self._now
        if Sort.UNBOUND in self._now:
            self._loaded = True
            self._now = (self._now - {Sort.UNBOUND}) | {Sort.SUBMODULE}
        if bound == self._name and Sort.SUBMODULE in self._now:
            self._now = (self._now - {Sort.SUBMODULE}) | {Sort.BOUND}

    def _star(self, origin: str) -> None:
        may, must = self._stars.starred(origin, self._name)
        if may:
            known: Value = f"{origin}.{self._name}" if origin != self._module else Sort.OTHER
            self._now = frozenset([known]) if must else self._now | {known}


def dotted_name(node: ast.expr) -> str | None:
    """`a.b.c` as a string; None for what is not a dotted name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted_name(node.value)
        return base and f"{base}.{node.attr}"
    return None


def bound_names(node: ast.AST, *, loaded: bool = False) -> frozenset[str]:
    """The names that a statement or an expression binds in its own scope, with those that it only reads if asked."""
    return frozenset(_names(node, loaded=loaded))


def _names(node: ast.AST, *, loaded: bool) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Name(id=name) if loaded or isinstance(node.ctx, ast.Store):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name
    if not isinstance(node, _INNER):
        for child in children(node):
            inner = _names(child, loaded=loaded)
            yield from (name for name in inner if loaded or not isinstance(node, _COMPREHENSION))
