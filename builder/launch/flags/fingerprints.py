"""Which versions of the server's own code this package repeats: known by what they do, not by their release."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Mapping

from m2build.launch.flags.model import NotProvableError

_REGISTER = (
    *("add_cli_args_from_dataclass", "_unwrap_annotated", "_unwrap_optional", "_unwrap_literal", "_infer_type_func"),
    *("_field_default", "_field_to_cli_name"),
)
KNOWN: Mapping[tuple[str, ...], frozenset[str]] = {
    _REGISTER: frozenset({"80d57ab8ee866f3e", "01b20e6eb52f674e"}),  # 0.5.14 to 0.5.19, 0.5.20 to 0.5.23
    ("collect_input_fields",): frozenset({"6874f6f1b58450ab"}),
    ("_declared_default",): frozenset({"36954296200f9f6d"}),
}
"""Functions that are repeated here, and the fingerprints of their known versions. Made with `fingerprint`."""
REGISTER, COLLECT, DECLARED = KNOWN


def check_known(statements: Iterable[ast.stmt], names: tuple[str, ...], path: str) -> None:
    """Check that functions of a module do what is repeated here.

    Raises:
        NotProvableError: they are another version of them, or missing.
    """
    if fingerprint(statements, names) not in KNOWN[names]:
        raise NotProvableError(f"{path}: {names[0]}() is not a version that m2build knows")


def fingerprint(statements: Iterable[ast.stmt], names: Iterable[str]) -> str:
    """What identifies functions of a module by their parameters and statements, without comments and annotations.

    It is the same under each release of Python.
    """
    found = {statement.name: statement for statement in statements if isinstance(statement, ast.FunctionDef)}
    text = " ".join(_meaning(found[name]) if name in found else f"no {name}" for name in names)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _meaning(function: ast.FunctionDef) -> str:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    arguments = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
    defaults = [*function.args.defaults, *(default for default in function.args.kw_defaults if default)]
    return f"{function.name}{arguments}{[*map(_spelled, defaults), *map(_spelled, body)]}"


def _spelled(node: object) -> str:
    """A node with its parts; `ast.dump` writes what is empty in some releases of Python only."""
    if isinstance(node, list):
        return f"[{' '.join(map(_spelled, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = [f"{name}={_spelled(value)}" for name, value in ast.iter_fields(node) if value not in (None, [])]
    return f"{type(node).__name__}({' '.join(parts)})"
