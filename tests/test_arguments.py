"""Arguments of another type: each public function names the argument, in a `TypeError`."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
from collections import abc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.rooms import MODULES, nodes

import m2build
import m2build.progress
from m2build import patches
from m2build.documents.arguments import ALIASES, PROTOCOLS, fits
from m2build.patches import LibcstCodemod, Patch, RemoveDecorator, RenameModule, Series, SourceTree

FACES = ("m2build", *re.findall(r"`(m2build\.[a-z.]+)`", (m2build.__doc__ or "").replace("m2build.errors", "")))


def public_functions() -> Iterator[Callable[..., Any]]:
    """The functions of all faces, and the methods that make, take and hand on values."""
    for face in map(importlib.import_module, dict.fromkeys(FACES)):
        yield from (value for name in face.__all__ if inspect.isfunction(value := getattr(face, name)))
    methods = (name for name in dir(m2build.Session) if not name.startswith("_"))
    yield from (value for name in methods if inspect.isfunction(value := getattr(m2build.Session, name)))
    yield from (m2build.Recipe.select, m2build.Place.parse, SourceTree.of, Patch.of, Series.of, Series.extended)


def cases() -> Iterator[tuple[Callable[..., Any], inspect.Parameter]]:
    for function in public_functions():
        first, *others = inspect.signature(function).parameters.values() or [None]
        for parameter in [*([first] if first and first.name != "self" else []), *others]:
            is_late = parameter.kind is parameter.VAR_POSITIONAL and first not in (None, parameter)
            if ALIASES.get(str(parameter.annotation)) != "object" and not is_late:
                yield function, parameter


CASES = {f"{function.__qualname__}-{parameter.name}": (function, parameter) for function, parameter in cases()}


@pytest.mark.parametrize("case", CASES)
def test_an_argument_of_another_type_is_named(case: str) -> None:
    function, parameter = CASES[case]
    itself = [None] if "self" in inspect.signature(function).parameters else []
    is_one_of_many = parameter.kind is parameter.VAR_POSITIONAL
    given = [*itself, *([object()] if is_one_of_many else [])]
    options = {} if is_one_of_many else {parameter.name: object()}
    with pytest.raises(TypeError, match=rf"{function.__name__}: {parameter.name} is <object object at .*>, expected "):
        function(*given, **options)


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ("x", "str | None", True),
        (None, "str | None", True),
        (b"x", "str | None", False),
        (True, "int", False),
        (True, "bool", True),
        (3, "float", True),
        (3.5, "int", False),
        ("libcst", "Collection[str]", False),
        (["libcst"], "Collection[str]", True),
        ([1], "Sequence[str]", False),
        ({"a": "x"}, "Mapping[str, bytes | str | SourceFile]", True),
        ({"a": 3}, "Mapping[str, Content]", False),
        ({1: "x"}, "Mapping[str, Content]", False),
        (SourceTree.of({}), "Mapping[str, Content]", True),
        (("x",), "tuple[str, ...]", True),
        (("x", ["y"]), "tuple[str, Sequence[str]]", True),
        (("x",), "tuple[str, Sequence[str]]", False),
        ("x", "tuple[str, ...]", False),
        ("comment", 'Literal["comment", "delete"]', True),
        (Path("x"), "str | os.PathLike[str]", True),
        (Path("x"), "Path", True),
        (m2build.progress.Logged(None), "Progress | None", True),
        (3, "Progress | None", False),
        (RemoveDecorator, "Mapping[str, type[Codemod]] | None", False),
        (str, "Callable[[Path], bool]", True),
    ],
)
def test_what_fits(value: object, annotation: str, expected: object) -> None:
    assert fits(value, annotation) is expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RemoveDecorator(Path("app"), "torch.compile"),  # type: ignore[arg-type]  # the mistake
         r"RemoveDecorator: module is PosixPath\('app'\), expected str; write str\(module\)"),
        (lambda: RenameModule("app", None),  # type: ignore[arg-type]  # the mistake
         "RenameModule: to is None, expected str"),
        (lambda: LibcstCodemod("a.B", "*.py"),  # type: ignore[arg-type]  # the mistake
         r"LibcstCodemod: files is '\*.py', expected tuple\[str, ...\]"),
        (lambda: m2build.Session(platform=3),  # type: ignore[arg-type]  # the mistake
         "Session: platform is 3, expected str or None"),
        (lambda: patches.from_directory("src"),  # type: ignore[arg-type]  # the mistake
         r"from_directory: path is 'src', expected Path; write Path\(path\)"),
    ],
)  # fmt: skip
def test_values_and_messages(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        make()


def test_every_annotation_names_what_can_be_checked() -> None:
    """An alias, or a protocol, would look like a class that no value is of."""
    classes = [node for path in MODULES.values() for node in nodes(path) if isinstance(node, ast.ClassDef)]
    own = {node.name for node in classes if not any(ast.unparse(base) == "Protocol" for base in node.bases)}
    known = {*vars(builtins), *vars(abc), *ALIASES, *PROTOCOLS, "Literal", "Any", "Path"} | own
    for function, parameter in CASES.values():
        text = re.sub(r'"[^"]*"|Literal\[[^]]*\]', "", str(parameter.annotation))
        names = {word.rpartition(".")[2] for word in re.findall(r"[A-Za-z_.]+", text)} - {""}
        assert names <= known, function
