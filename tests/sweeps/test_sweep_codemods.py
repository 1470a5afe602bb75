"""Sweep: the shipped codemods on SGLang's modules, judged by `ast` accounts of their own and by Python's compiler.

A rename: in every file, what the import statements load is what they loaded before, with the new name in place of the
old one; and only files that name the module change. A removal: the syntax is that of before without decorators of that
spelling, of which none is left; every other line is as it was.
"""

from __future__ import annotations

import ast
import functools
import random
from collections.abc import Iterator

import pytest
from helpers.patches.trees import changed, files_after, files_before, imported_modules

from m2build.patches.change import Finding
from m2build.patches.codemods.remove_decorator import RemoveDecorator
from m2build.patches.codemods.rename_module import RenameModule
from m2build.patches.decorators import Style
from m2build.patches.modules import Renaming
from m2build.patches.tree import SourceTree

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning"),  # of SGLang's own strings
]

SEED, RENAMES, REMOVALS, CHUNKS = 9, 40, 240, 8
CASES = RENAMES + REMOVALS
DECORATORS = [
    "torch.compile", "torch.no_grad", "triton.jit", "functools.lru_cache", "functools.wraps", "dataclasses.dataclass",
    "abc.abstractmethod", "contextlib.contextmanager", "staticmethod", "property", "classmethod", "typing.overload",
]  # fmt: skip

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@functools.cache
def loaded(path: str, content: bytes) -> frozenset[str]:
    return frozenset(imported_modules(path, content))


def python_files(tree: SourceTree) -> list[str]:
    return [path for path in tree if path.endswith(".py")]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_renames(chunk: int, sglang_tree: SourceTree) -> None:
    modules = [path for path in python_files(sglang_tree) if not path.endswith("__init__.py") and "/" in path]
    for path in random.Random(SEED).sample(modules, RENAMES)[chunk::CHUNKS]:  # noqa: S311 - seeded
        module = path.removesuffix(".py").replace("/", ".")
        renaming = Renaming(module, f"{module}_zz")
        after, rewrite = changed(RenameModule(renaming.old, renaming.new), sglang_tree)
        assert rewrite.proof is not None
        touched = {change.path: change for change in rewrite.changes}
        for new_path in python_files(after):
            change = touched.get(new_path)
            old_path = change.old_path if change else new_path
            names = loaded(old_path, sglang_tree[old_path].content)
            assert loaded(new_path, after[new_path].content) == {renaming.of(name) for name in names}, (
                module,
                new_path,
            )
        before, left = files_before(rewrite.changes), files_after(rewrite.changes)
        assert len(before) == len(left) == len(rewrite.changes)
        for change in rewrite.changes:
            compile(left[change.path].content, change.path, "exec", dont_inherit=True)
            word = module.rpartition(".")[2].encode()
            assert change.renamed or word in before[change.old_path].content, (module, change.path)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_removals(chunk: int, sglang_tree: SourceTree) -> None:
    pairs = [
        (path, decorator)
        for path in python_files(sglang_tree)
        for decorator in DECORATORS
        if f"@{decorator.rpartition('.')[2]}".encode() in sglang_tree[path].content
        or f"@{decorator}".encode() in sglang_tree[path].content
    ]
    chosen = random.Random(SEED).sample(pairs, REMOVALS)  # noqa: S311 - seeded
    for number, (path, decorator) in list(enumerate(chosen))[chunk::CHUNKS]:
        style: Style = "comment" if number % 2 else "delete"
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        rewrite = RemoveDecorator(module, decorator, style=style).apply(sglang_tree)
        if rewrite.finding is Finding.CHANGED:
            (change,) = rewrite.changes
            (before,), (after,) = files_before([change]).values(), files_after([change]).values()
            judge_removal(before.content, after.content, decorator, style)
        else:
            assert spelled(sglang_tree[path].content, decorator) == [], (path, decorator, rewrite.detail)


def judge_removal(before: bytes, after: bytes, decorator: str, style: Style) -> None:
    old, new = ast.parse(before), ast.parse(after)
    gone = []
    for was, remains in zip(definitions(old), definitions(new), strict=True):
        kept = [ast.unparse(item) for item in remains.decorator_list]
        gone += [item for item in was.decorator_list if ast.unparse(item) not in kept]
        was.decorator_list = [item for item in was.decorator_list if ast.unparse(item) in kept]
    assert ast.dump(old) == ast.dump(new)
    assert gone
    assert {callee(item).rpartition(".")[2] for item in gone} == {decorator.rpartition(".")[2]}
    assert spelled(after, decorator) == []
    lines = {number for item in gone for number in range(item.lineno, (item.end_lineno or item.lineno) + 1)}
    expected = [
        line.replace(line.lstrip(), b"# " + line.lstrip(), 1) if number in lines else line
        for number, line in enumerate(before.splitlines(keepends=True), 1)
        if style == "comment" or number not in lines
    ]
    found = after.splitlines(keepends=True)
    assert [a for a, b in zip(found, expected, strict=True) if a.split() != b.split()] == []


def spelled(content: bytes, decorator: str) -> list[str]:
    """Uses of a decorator by its full name, in a file that imports its package by name."""
    tree = ast.parse(content)
    root = decorator.partition(".")[0]
    imported = "." not in decorator or any(
        isinstance(node, ast.Import) and any(alias.name == root and not alias.asname for alias in node.names)
        for node in tree.body
    )
    uses = [callee(item) for node in definitions(tree) for item in node.decorator_list]
    return [use for use in uses if imported and use == decorator]


def callee(expression: ast.expr) -> str:
    return ast.unparse(expression.func if isinstance(expression, ast.Call) else expression)


def definitions(tree: ast.Module) -> Iterator[Definition]:
    return (node for node in ast.walk(tree) if isinstance(node, Definition))
