"""What expressions of source code stand for, besides constants."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from m2build.launch.flags.modules import Scope


class UnfoldableError(Exception):
    """The value of an expression is not known before it runs; the text says which expression, and where."""


@dataclass(frozen=True)
class Outside:
    """A name from outside the tree, or a builtin: `json.loads`, `int`."""

    dotted: str


@dataclass(frozen=True, eq=False)
class SourceClass:
    """A class of the tree, and the scope that it is defined in."""

    node: ast.ClassDef
    scope: Scope

    @property
    def is_enumeration(self) -> bool:
        """Whether it derives from one of the classes of the module `enum`."""
        return any(ast.unparse(base).rpartition(".")[2] in {"Enum", "IntEnum", "StrEnum"} for base in self.node.bases)


@dataclass(frozen=True, eq=False)
class SourceFunction:
    """A function of the tree, and the scope that it is defined in."""

    node: ast.FunctionDef
    scope: Scope


@dataclass(frozen=True)
class Member:
    """A member of an enumeration."""

    name: str
    value: object


@dataclass(frozen=True, eq=False)
class Table:
    """A dictionary, whose values are evaluated only when they are asked for."""

    keys: tuple[object, ...]
    values: tuple[ast.expr, ...]
    scope: Scope
