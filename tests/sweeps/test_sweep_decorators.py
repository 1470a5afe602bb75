"""Sweep: the decorators that a removal finds in published packages are those that libcst's resolver names.

Where the two differ, libcst takes a name in the body of a class for what the class binds anywhere, and Python for what
is bound so far.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import libcst as cst
import pytest
from helpers.sweeps.packages import fetched_wheels
from libcst.metadata import MetadataWrapper, PositionProvider, QualifiedNameProvider

from m2build.patches.codemods.remove_decorator import RemoveDecorator
from m2build.patches.modules import module_file
from m2build.patches.sources import from_wheel
from m2build.patches.text import read_python

pytestmark = pytest.mark.sweep

PACKAGES = ("rich", "flask", "werkzeug", "requests", "attrs", "jinja2", "click", "pytest")
FILES = 4
"""Files of each package: the ones with the most decorators among those of up to 20 KB."""
CASES = len(PACKAGES) * FILES
DECORATORS = ("property", "staticmethod", "classmethod", "typing.overload", "functools.wraps", "dataclasses.dataclass",
              "contextlib.contextmanager", "abc.abstractmethod", "typing.final", "functools.lru_cache",
              "attr.s", "click.decorators.pass_context", "pytest.fixture")  # fmt: skip


class Resolved(cst.CSTVisitor):
    """The line and the names of each decorator."""

    METADATA_DEPENDENCIES = (QualifiedNameProvider, PositionProvider)

    def __init__(self) -> None:
        self.found: list[tuple[int, frozenset[str]]] = []

    def visit_Decorator(self, node: cst.Decorator) -> None:  # noqa: N802 - libcst calls it
        called = node.decorator.func if isinstance(node.decorator, cst.Call) else node.decorator
        names = self.get_metadata(QualifiedNameProvider, called, set())
        line = self.get_metadata(PositionProvider, node).start.line
        self.found.append((line, frozenset(name.name.removeprefix("builtins.") for name in names)))


def decorated(distribution: str) -> Iterator[tuple[str, bytes]]:
    tree = from_wheel(fetched_wheels()[distribution])
    files = [(path, file.content) for path, file in tree.items() if path.endswith(".py") and file.size < 20_000]
    return iter(sorted(files, key=lambda item: (-item[1].count(b"\n@") - item[1].count(b"    @"), item[0]))[:FILES])


@pytest.mark.parametrize("distribution", PACKAGES)
def test_libcst_finds_the_same_decorators(distribution: str) -> None:
    files, seen = list(decorated(distribution)), 0
    assert len(files) == FILES
    for path, content in files:
        module, visitor = module_file(path), Resolved()
        assert module is not None
        source = read_python(path, content)
        MetadataWrapper(cst.parse_module(content), unsafe_skip_copy=True).visit(visitor)
        for decorator in (name for name in DECORATORS if name.rpartition(".")[2] in source.text):
            ours = {line for _, line in RemoveDecorator(module.name, decorator).find(source, module).uses}
            theirs = {line for line, names in visitor.found if decorator in names}
            assert ours - bound_later(source.text) == theirs - bound_later(source.text), (path, decorator)
            seen += len(ours)
    assert seen > 0


def bound_later(text: str) -> set[int]:
    """The lines of decorators whose name the class around them binds too."""
    lines = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            names = {item.name for item in node.body if isinstance(item, ast.FunctionDef | ast.ClassDef)}
            names |= {name.id for item in node.body for name in ast.walk(item) if isinstance(name, ast.Name)
                      and isinstance(name.ctx, ast.Store) and not isinstance(item, ast.FunctionDef)}  # fmt: skip
            for item in node.body:
                if isinstance(item, ast.FunctionDef | ast.ClassDef):
                    lines |= {one.lineno for one in item.decorator_list if ast.unparse(one).partition(".")[0] in names}
    return lines
