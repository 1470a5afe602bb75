"""Calls that import a module by its name, and what is known of a name that is put together."""

from __future__ import annotations

import ast

from m2build.patches.renaming.importer import Importer
from m2build.patches.renaming.literals import known_text

IMPORTS = frozenset({"importlib.import_module", "builtins.__import__"})


def first_argument(call: ast.Call) -> ast.expr | None:
    """What a call imports, or replaces for `mock.patch`."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    return call.args[0] if call.args else keywords.get("name") or keywords.get("target")


def may_import(importer: Importer, call: ast.Call) -> bool:
    """Whether a call imports what shows at run time only, and may be the module by what is known of its name."""
    node = first_argument(call)
    if node is None or not importer.names.qualify(call.func) & IMPORTS:
        return False
    if known_text(node, importer.module) is not None:
        return False
    start = _known_start(node, importer)
    return start.startswith(".") or f"{importer.renaming.old}.".startswith(start)


def _known_start(node: ast.expr, importer: Importer) -> str:
    """How a name that is put together begins, as far as that is known."""
    match node:
        case ast.JoinedStr(values=parts):
            known = ""
            for part in parts:
                text = known_text(part, importer.module)
                if text is None:
                    return known
                known += text
            return known
        case ast.BinOp(left=left, op=ast.Add()):
            return known_text(left, importer.module) or _known_start(left, importer)
    return ""
