"""Whether a module calls something by its name, and from where else it could be called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from m2build.patches.conditions import Called
from m2build.patches.decorators import definitions
from m2build.patches.modules import ModuleFile
from m2build.patches.names import Names
from m2build.patches.relevance.verdict import Judgement, fails, holds, is_open, shown
from m2build.patches.scopes import children
from m2build.patches.text import PythonSource

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_CALLING = ("forward", "__call__")
"""Attributes through which an object is called."""


def judge_called(wanted: Called, source: PythonSource, module: ModuleFile) -> Judgement:
    """Whether a module calls something.

    It fails only if each place that spells the name cannot lead to a call: the object is asked for an attribute,
    compared, or given another name in the module, as an argument of its functions too, of which the same holds. Other
    modules are not looked at.
    """
    uses = _Uses(source, module)
    others: list[Judgement] = []
    for line, reason in uses.named(wanted.name):
        if reason is None:
            return holds(module.path, line, shown(source, line))
        others.append(is_open(module.path, line, shown(source, line), reason))
    return others[0] if others else fails(module.path, f"nothing calls {wanted.name}")


class _Uses:
    """The places of one module that use a name."""

    def __init__(self, source: PythonSource, module: ModuleFile) -> None:
        self._syntax = source.parse()
        self._module = module
        self._names = Names(self._syntax, module=module.name, package=module.package)
        self._above: dict[ast.AST, ast.AST] = {}
        self._nodes: list[ast.AST] = [self._syntax]
        for node in self._nodes:  # it grows meanwhile
            for child in children(node):
                self._above[child] = node
                self._nodes.append(child)
        self._functions = {
            one.qualname: one.node for one in definitions(self._syntax) if isinstance(one.node, _Function)
        }
        self._followed: set[tuple[ast.AST, str]] = set()
        self._seen: set[str] = set()

    def named(self, name: str) -> Iterator[tuple[int, str | None]]:
        """Each place from which a name may be called: its line, and why that is not certain; None for a call."""
        for node in self._nodes:
            match node:
                case ast.Name(id=spelt) | ast.Attribute(attr=spelt) if spelt == name:
                    if isinstance(node.ctx, ast.Load):
                        yield from self._from(node)
                case ast.alias(name=spelt, asname=str(other)) if spelt == name and other != name:
                    yield node.lineno, f"it is called {other} here"
        for text in self._names.texts(name):
            if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", str(text.value)):
                yield text.lineno, "a string spells it"

    def _from(self, node: ast.expr) -> Iterator[tuple[int, str | None]]:
        above = self._above[node]
        match above:
            case ast.Call(func=func) if func is node:
                yield node.lineno, None
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if node in above.decorator_list:
                yield node.lineno, None
            case ast.Attribute():
                if above.attr in _CALLING or self._is_called(above):
                    yield node.lineno, f"{above.attr} of it is used"
            case ast.Compare():
                return
            case ast.Assign(targets=[ast.Name(id=other) | ast.Attribute(attr=other)]):
                if other not in self._seen:
                    self._seen.add(other)
                    yield from self.named(other)
            case ast.Call() | ast.keyword():
                yield from self._handed_on(node, above)
            case _:
                yield node.lineno, "it is used in another way"

    def _is_called(self, node: ast.expr) -> bool:
        above = self._above[node]
        return isinstance(above, ast.Call) and above.func is node

    def _handed_on(self, node: ast.expr, above: ast.Call | ast.keyword) -> Iterator[tuple[int, str | None]]:
        """Follow an argument into the function, if that is the module's own and takes it under one name."""
        call = self._above[above] if isinstance(above, ast.keyword) else above
        found = self._called_function(call) if isinstance(call, ast.Call) else None
        function, bound = found or (None, 0)
        name = _parameter(function, bound, call, node) if function and isinstance(call, ast.Call) else None
        if function is None or name is None:
            yield node.lineno, "it is handed on"
        elif (function, name) not in self._followed:
            self._followed.add((function, name))
            for inner in ast.walk(function):
                if isinstance(inner, ast.Name) and inner.id == name and isinstance(inner.ctx, ast.Load):
                    yield from self._from(inner)

    def _called_function(self, call: ast.Call) -> tuple[_Function, int] | None:
        """The module's own function that a call certainly means, and how many parameters are bound already.

        Of a class that is `__init__`. A function that a decorator may have changed is none.
        """
        qualified = self._names.qualify(call.func)
        name = next(iter(qualified)).removeprefix(f"{self._module.name}.") if len(qualified) == 1 else ""
        for function, bound in ((self._functions.get(name), 0), (self._functions.get(f"{name}.__init__"), 1)):
            if function and all(ast.unparse(one) == "staticmethod" for one in function.decorator_list):
                return function, bound
        return None


def _parameter(function: _Function, bound: int, call: ast.Call, node: ast.expr) -> str | None:
    """The parameter that an argument becomes; None if stars make that uncertain."""
    for keyword in call.keywords:
        if keyword.value is node:
            named = {one.arg for one in (*function.args.args, *function.args.kwonlyargs)}
            return keyword.arg if keyword.arg in named else None
    if any(isinstance(one, ast.Starred) for one in call.args):
        return None
    parameters = [*function.args.posonlyargs, *function.args.args][bound:]
    position = call.args.index(node)
    return parameters[position].arg if position < len(parameters) else None
