"""A program: import modules, and report what each use of some names there gives.

It reads JSON: the folders to import from, the modules, and pairs of an old and a new name. It writes JSON: what became
of each module, and for each pair of each import statement and dotted use with one of the two last names, in order.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path


def main() -> None:
    """Run the program."""
    given = json.load(sys.stdin)
    sys.path[:0] = given["folders"]
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        modules = {name: outcome(name) for name in given["modules"]}
        uses = [list(uses_of(modules, pair)) for pair in given["pairs"]]
    sys.stdout.write(json.dumps({"modules": modules, "uses": uses}))


def outcome(name: str) -> str:
    """What an import gives."""
    try:
        importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001 - whatever a package raises
        return f"{type(error).__name__}: {error}"
    return "ok"


def uses_of(modules: dict[str, str], pair: list[str]) -> Iterator[tuple[str, int, str]]:
    """Module, number and result of each use."""
    words = {name.rpartition(".")[2] for name in pair}
    for name, found in modules.items():
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if found == "ok" and isinstance(module, types.ModuleType) and file and file.endswith(".py"):
            content = Path(file).read_bytes()
            if any(word.encode() in content for word in words):
                yield from ((name, number, use) for number, use in enumerate(uses_in(content, module, words)))


def uses_in(content: bytes, module: types.ModuleType, words: set[str]) -> Iterator[str]:
    """What each import statement that has one of the words, and each dotted use that ends in one, gives."""
    for node in ast.walk(ast.parse(content)):
        match node:
            case ast.Import(names=names) if any(words & set(alias.name.split(".")) for alias in names):
                yield performed(node, module)
            case ast.ImportFrom(module=origin, names=names):
                if words & {*(origin or "").split("."), *(alias.name for alias in names)}:
                    yield performed(node, module)
            case ast.Attribute(attr=name) if name in words:
                yield evaluated(node, module)


def performed(node: ast.Import | ast.ImportFrom, module: types.ModuleType) -> str:
    """What an import statement binds, by kind; a module without its name, which a renaming changes."""
    scope = {name: value for name, value in vars(module).items() if name.startswith("__")}
    before = set(scope)
    try:
        exec(compile(ast.Module([node], []), "statement", "exec", dont_inherit=True), scope)  # noqa: S102 - of packages
    except BaseException as error:  # noqa: BLE001 - whatever a package raises
        return f"fails: {type(error).__name__}"
    if isinstance(node, ast.Import):
        return "ok"  # it binds the first name, which may change
    return " ".join(sorted(f"{name} is a {kind(scope[name])}" for name in set(scope) - before - {"__builtins__"}))


def evaluated(node: ast.Attribute, module: types.ModuleType) -> str:
    """What a dotted name is, if it starts at a name of the module."""
    chain: list[str] = []
    base: ast.expr = node
    while isinstance(base, ast.Attribute):
        chain.append(base.attr)
        base = base.value
    if not isinstance(base, ast.Name) or base.id not in vars(module):
        return "elsewhere"
    value: object = vars(module)[base.id]
    try:
        for name in reversed(chain):
            value = getattr(value, name)
    except BaseException as error:  # noqa: BLE001 - whatever a package raises
        return f"fails: {type(error).__name__}"
    return kind(value)


def kind(value: object) -> str:
    """The type of a value."""
    return type(value).__name__


if __name__ == "__main__":
    main()
