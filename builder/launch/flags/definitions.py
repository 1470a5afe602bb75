"""Flags from what `add_argument` is called with, as argparse would make them."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from m2build.launch.flags.actions import KEYWORDS, acted
from m2build.launch.flags.folding import Folder
from m2build.launch.flags.model import Flag, NotProvableError
from m2build.launch.flags.modules import Scope
from m2build.launch.flags.values import Outside, SourceFunction, UnfoldableError

_DECIDING = ("action", "dest", "nargs", "required")
"""What a command line cannot be read without."""
_SUPPRESS = Outside("argparse.SUPPRESS")
_MOST_VALUES = 100


@dataclass(frozen=True)
class Unknown:
    """A value that is not known before it runs, and why."""

    why: str


class Definitions:
    """Makes flags of names and keywords."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.functions: dict[str, ast.FunctionDef] = {}
        """The functions of the server that convert values, by their names."""

    def of_call(self, call: ast.Call, scope: Scope) -> Flag:
        """The flag that a call of `add_argument` defines.

        Raises:
            NotProvableError: its names, or how many values it takes, are not known.
        """
        try:
            names = [self._folder.fold(name, scope) for name in call.args]
        except UnfoldableError as error:
            raise NotProvableError(f"the name of a flag is not known: {error}") from error
        keywords: dict[str, object] = {}
        for keyword in call.keywords:
            if keyword.arg is None:
                raise NotProvableError(f"{scope.path}:{call.lineno}: add_argument(**…) is not understood")
            keywords[keyword.arg] = self.value(keyword.value, scope)
        return self.of(names, keywords, f"{scope.path}:{call.lineno}")

    def value(self, node: ast.expr, scope: Scope) -> object:
        """The value of an expression, or `Unknown`."""
        try:
            return self._folder.fold(node, scope)
        except UnfoldableError as error:
            return Unknown(str(error))

    def of(self, names: Sequence[object], keywords: Mapping[str, object], where: str) -> Flag:
        """The flag that argparse makes.

        Args:
            names: its option strings.
            keywords: what else `add_argument` gets.
            where: the file and line of its definition.

        Raises:
            NotProvableError: its names, or how many values it takes, are not known.
        """
        spelled = tuple(name for name in names if isinstance(name, str) and name.startswith("--"))
        if not spelled or len(spelled) != len(names):
            raise NotProvableError(f"{where}: a flag called {', '.join(map(repr, names))} is not understood")
        for name in _DECIDING:
            if isinstance(unknown := keywords.get(name), Unknown):
                raise NotProvableError(f"the {name} of {spelled[0]} is not known: {unknown.why}")
        action = acted(keywords, self.value, where)
        values = {name: action.keywords.get(name) for name in KEYWORDS}
        values |= {"choices": _choices(values["choices"]), "default": _default(values["default"])}
        values["type"] = self._type(values["type"])
        dest, converted, choices, text = (values[name] for name in ("dest", "type", "choices", "help"))
        return Flag(
            names=_with_negations(spelled) if action.name == "boolean" else spelled,
            dest=dest if isinstance(dest, str) else spelled[0].removeprefix("--").replace("-", "_"),
            action=action.name,
            type=converted if isinstance(converted, str) else None,
            nargs=_nargs(values["nargs"], where),
            const=_known(values["const"]),
            default=_known(values["default"]),
            choices=choices if isinstance(choices, tuple) else None,
            required=values["required"] is True,
            help=text if isinstance(text, str) else None,
            retired=action.retired,
            unknown=tuple(sorted(name for name in _JUDGED if isinstance(values[name], Unknown))),
        )

    def _type(self, kind: object) -> str | Unknown | None:
        match kind:
            case None:
                return None
            case Outside(dotted=name):
                return name
            case SourceFunction(node=function):
                self.functions[function.name] = function
                return function.name
        return Unknown("its type is not a function")


_JUDGED = ("choices", "const", "default", "type")
"""The attributes that may be unknown."""


def _known(value: object) -> object:
    return None if isinstance(value, Unknown) else value


def _with_negations(names: Sequence[str]) -> tuple[str, ...]:
    """The names of a boolean flag: each is followed by its negation."""
    return tuple(word for name in names for word in (name, f"--no-{name.removeprefix('--')}"))


def _choices(choices: object) -> tuple[object, ...] | Unknown | None:
    if choices is None:
        return None
    if isinstance(choices, frozenset):
        choices = sorted(choices, key=repr)
    if isinstance(choices, list | tuple) and all(map(_is_plain, choices)):
        return tuple(choices)
    return Unknown("its choices are not texts and numbers")


def _default(default: object) -> object:
    if default == _SUPPRESS:
        return argparse.SUPPRESS
    if isinstance(default, list) and all(map(_is_plain, default)):
        return tuple(default)
    return default if _is_plain(default) else Unknown("its default is not a constant")


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _nargs(nargs: object, where: str) -> str | int | None:
    if nargs is None or (type(nargs) is int and 0 <= nargs < _MOST_VALUES):
        return nargs
    if isinstance(nargs, str) and nargs in {"?", "*", "+"}:
        return nargs
    raise NotProvableError(f"{where}: nargs={nargs!r} is not understood")
