"""What the actions of argparse, and those of the server, make of the keywords of `add_argument`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from m2build.launch.flags.model import NotProvableError
from m2build.launch.flags.modules import Scope
from m2build.launch.flags.values import Outside, SourceClass

KEYWORDS = frozenset({"choices", "const", "default", "dest", "help", "metavar", "nargs", "required", "type"})
"""The keywords of argparse's own actions."""
_BUILT_IN: Mapping[str, Mapping[str, object]] = {
    "store": {},
    "append": {},
    "store_const": {"nargs": 0},
    "store_true": {"nargs": 0, "const": True},
    "store_false": {"nargs": 0, "const": False},
}
_BOOLEAN = Outside("argparse.BooleanOptionalAction")

Evaluate = Callable[[ast.expr, Scope], object]


@dataclass(frozen=True)
class Acted:
    """What an action comes to.

    Attributes:
        name: the action's: argparse's, `boolean`, or that of a class of the server.
        keywords: those of argparse's own `Action`.
        retired: the error with which it refuses the flag, or None.
    """

    name: str
    keywords: Mapping[str, object]
    retired: str | None = None


def acted(keywords: Mapping[str, object], evaluate: Evaluate, where: str) -> Acted:
    """What the action among some keywords makes of the others.

    Args:
        keywords: those of `add_argument`; without `action` it stores.
        evaluate: gives the value of an expression.
        where: the file and line of the call.

    Raises:
        NotProvableError: the action is not understood.
    """
    action = keywords.get("action", "store")
    others = {name: value for name, value in keywords.items() if name != "action"}
    if isinstance(action, SourceClass):
        return Acted(
            action.node.name, _passed_on(action, others, evaluate, where), _retired(action.node, others, where)
        )
    if set(others) <= KEYWORDS:
        if action == _BOOLEAN:
            return Acted("boolean", {**others, "nargs": 0})
        if isinstance(action, str) and action in _BUILT_IN:
            default = {"default": action == "store_false"} if action in {"store_true", "store_false"} else {}
            return Acted(action, {**default, **others, **_BUILT_IN[action]})
    raise NotProvableError(f"{where}: this call of add_argument is not understood")


def _passed_on(
    action: SourceClass, given: Mapping[str, object], evaluate: Evaluate, where: str
) -> Mapping[str, object]:
    """The keywords that a class of the server passes on to argparse's `Action`."""
    methods = {item.name: item for item in action.node.body if isinstance(item, ast.FunctionDef)}
    start = methods.pop("__init__", None)
    refusal = NotProvableError(f"{where}: the action {action.node.name} is not understood")
    if [ast.unparse(base) for base in action.node.bases] != ["argparse.Action"] or set(methods) != {"__call__"}:
        raise refusal
    if start is None:
        return given
    taken = [argument.arg for argument in start.args.args][3:]  # after self, option_strings and dest
    defaults = dict(zip(taken[::-1], start.args.defaults[::-1], strict=False))
    if set(taken) - set(defaults) or start.args.kwonlyargs:
        raise refusal
    bound = {name: given[name] if name in given else evaluate(node, action.scope) for name, node in defaults.items()}
    passed = {name: value for name, value in given.items() if name not in bound}
    inner = action.scope.inner(values=bound)
    for statement in start.body:
        match statement:
            case ast.Expr(value=ast.Constant()) | ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"))]):
                continue
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")))) as call):
                passed |= {keyword.arg: evaluate(keyword.value, inner) for keyword in call.keywords if keyword.arg}
            case _:
                raise refusal
    return passed


def _retired(action: ast.ClassDef, given: Mapping[str, object], where: str) -> str | None:
    """The message with which an action ends the parser: the one that it was given, or None without it."""
    for node in ast.walk(action):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="parser"), attr="error"),
                args=[ast.Attribute(value=ast.Name(id="self"), attr=name)],
            ):
                message = given.get(name)
                if message is None or isinstance(message, str):
                    return message
            case ast.Raise() | ast.Call(func=ast.Attribute(value=ast.Name(id="parser"))):
                pass
            case _:
                continue
        raise NotProvableError(f"{where}: when the action {action.name} refuses a flag is not understood")
    return None
