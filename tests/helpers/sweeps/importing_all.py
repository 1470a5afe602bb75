"""A program: import every module below some packages, and report what each use of one name there gives.

Arguments: the folder of the packages, the folder of what they need, the old and the new name of a module, and the
packages. It prints JSON: what became of each module, and of each import statement and dotted use that ends in one of
the two last names, in the order of the source.
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

SKIPPED = {"__main__", "tests", "test", "testing", "conftest", "benchmarks", "_pyinstaller", "f2py", "distutils"}


def main() -> None:
    """Run the program."""
    folder, needed, old, new, *packages = sys.argv[1:]
    sys.path[:0] = [folder, needed]
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(3000)
    modules, uses = {}, {}
    for path in [path for package in packages for path in files(Path(folder), package)]:
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            modules[name] = outcome(name)
    for name, found in modules.items():
        module = sys.modules.get(name)
        if found == "ok" and module is not None and getattr(module, "__file__", None):
            words = old.rpartition(".")[2], new.rpartition(".")[2]
            uses |= {f"{name}#{number}": use for number, use in enumerate(uses_in(module, words))}
    print(json.dumps({"modules": modules, "uses": uses}))


def files(folder: Path, package: str) -> Iterator[str]:
    """The modules of a package, or of one file."""
    top = folder / package
    for path in sorted(top.rglob("*.py")) if top.is_dir() else [top.with_suffix(".py")]:
        relative = path.relative_to(folder).as_posix()
        if SKIPPED.isdisjoint(relative.removesuffix(".py").split("/")):
            yield relative


def outcome(name: str) -> str:
    """What an import gives."""
    try:
        importlib.import_module(name)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "ok"


def uses_in(module: types.ModuleType, words: tuple[str, str]) -> Iterator[str]:
    """What each import statement that has one of the words, and each dotted use that ends in one, gives."""
    content = Path(str(module.__file__)).read_bytes()
    if not any(word.encode() in content for word in words):
        return
    for node in ast.walk(ast.parse(content)):
        match node:
            case ast.Import() | ast.ImportFrom():
                if any(set(words) & set(alias.name.split(".")) for alias in node.names) or (
                    isinstance(node, ast.ImportFrom) and set(words) & set((node.module or "").split("."))
                ):
                    yield performed(node, module)
            case ast.Attribute(attr=name) if name in words:
                yield evaluated(node, module)


def performed(node: ast.Import | ast.ImportFrom, module: types.ModuleType) -> str:
    """What an import statement binds."""
    scope = {name: value for name, value in vars(module).items() if name.startswith("__")}
    try:
        exec(compile(ast.Module([node], []), "statement", "exec", dont_inherit=True), scope)  # noqa: S102 - of packages
    except BaseException as error:
        return f"fails: {type(error).__name__}"
    bound = sorted(name for name in scope if not name.startswith("__"))
    return " ".join(f"{described(scope[name])}" for name in bound if "*" not in {alias.name for alias in node.names})


def evaluated(node: ast.Attribute, module: types.ModuleType) -> str:
    """What a dotted name is, if it starts at a name of the module."""
    chain, base = [], node
    while isinstance(base, ast.Attribute):
        chain.append(base.attr)
        base = base.value  # type: ignore[assignment] # any expression, which ends the loop
    if not isinstance(base, ast.Name) or base.id not in vars(module):
        return "elsewhere"
    value: object = vars(module)[base.id]
    try:
        for name in reversed(chain):
            value = getattr(value, name)
    except BaseException as error:
        return f"fails: {type(error).__name__}"
    return described(value)


def described(value: object) -> str:
    """A value, by what does not change when a module is renamed."""
    return "module" if isinstance(value, types.ModuleType) else type(value).__name__


if __name__ == "__main__":
    main()
