"""The shipped codemods as libcst commands, run by libcst's own tool: a file gets the result that a series gives it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.patches.decorators import CHANGES as DECORATORS
from helpers.patches.decorators import NESTED, Style
from helpers.patches.renames import CHANGES as RENAMES
from helpers.patches.renames import RENAME, TREE
from helpers.patches.trees import changed, contents, read, tree_of, write
from helpers.support import sampled
from libcst.codemod import CodemodContext, TransformSuccess, transform_module
from libcst.tool import main

from m2build.patches.codemods.remove_decorator import RemoveDecorator
from m2build.patches.codemods.rename_module import RenameModule
from m2build.patches.commands.remove_decorator import RemoveDecoratorCommand

RENAME_COMMAND = "rename_module.RenameModuleCommand"
REMOVE_COMMAND = "remove_decorator.RemoveDecoratorCommand"

SPELLINGS = {name: before for name, before, _ in DECORATORS}


def tool(folder: Path, command: str, *arguments: str, code: int = 0) -> str:
    """Run libcst's tool in a folder, and return its stderr. Of the process, test_docs.py runs the page's commands."""
    line = ["codemod", "-x", f"m2build.patches.commands.{command}", "--no-format", "--jobs", "1", *arguments]
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        ended = main("libcst.tool", line)
    assert ended == code, said.getvalue()
    return said.getvalue()


def files(folder: Path) -> dict[str, bytes]:
    """The files below a folder."""
    return {path: content for path, (content, _) in read(folder).items()}


def test_every_importer_gets_what_the_series_gives_it(tmp_path: Path) -> None:
    importers = {
        path.replace("use.py", f"use_{number}.py"): before
        for number, (_, path, before, _) in enumerate(RENAMES)
        if path.endswith("use.py")
    }
    assert len(importers) > 60
    tree = tree_of({**TREE, **importers})
    renamed, _ = changed(RENAME, tree)
    expected = contents(renamed)
    expected["a/b/old.py"] = expected.pop("a/b/new.py")
    said = tool(write(tree, tmp_path), RENAME_COMMAND, "--module", "a.b.old", "--to", "a.b.new", ".")
    assert files(tmp_path) == expected
    assert "WARNING: a/b/old.py is a file of a.b.old: move it to a/b/new.py" in said


def test_a_file_of_the_module_gets_its_relative_imports_for_its_new_place(tmp_path: Path) -> None:
    tree = tree_of(
        {**TREE, "a/b/old.py": "from . import x\nfrom .y import value\n", "use.py": "from a.b import old, x\n"}
    )
    moved, _ = changed(RenameModule("a.b.old", "a.c.new"), tree)
    tool(write(tree, tmp_path), RENAME_COMMAND, "--module", "a.b.old", "--to", "a.c.new", "a/b/old.py", "use.py")
    assert files(tmp_path)["a/b/old.py"] == moved["a/c/new.py"].content != tree["a/b/old.py"].content
    assert files(tmp_path)["use.py"] == moved["use.py"].content


def test_what_the_package_shadows_on_disk_is_left_alone(tmp_path: Path) -> None:
    shadowing = {
        **TREE,
        "a/b/__init__.py": "from .old import f as old\n",
        "use.py": "from a.b import old\nimport a.b.old\n",
    }
    renamed, _ = changed(RENAME, tree_of(shadowing))
    tool(write(tree_of(shadowing), tmp_path), RENAME_COMMAND, "--module", "a.b.old", "--to", "a.b.new", "use.py")
    assert files(tmp_path)["use.py"] == renamed["use.py"].content == b"from a.b import old\nimport a.b.new\n"


def test_what_is_not_rewritten_is_a_warning(tmp_path: Path) -> None:
    source = "from a.b import old\nimport importlib\nimportlib.import_module('.old', where())\n"
    write(tree_of({**TREE, "use.py": source}), tmp_path)
    said = tool(tmp_path, RENAME_COMMAND, "--module", "a.b.old", "--to", "a.b.new", "use.py")
    assert "WARNING: line 3 is not rewritten: importlib.import_module('.old', where())" in said


def test_what_cannot_follow_exactly_fails_and_leaves_the_file(tmp_path: Path) -> None:
    write(tree_of({**TREE, "z/__init__.py": "", "use.py": "import a.b as m\nm.old.f()\n"}), tmp_path)
    said = tool(tmp_path, RENAME_COMMAND, "--module", "a.b.old", "--to", "z.new", "use.py", code=1)
    assert "use.py:2: this use of a.b.old cannot follow it to another package" in said
    assert files(tmp_path)["use.py"] == b"import a.b as m\nm.old.f()\n"


@pytest.mark.parametrize("within", [None, "Norm.forward", "Late"])
def test_decorators_go_as_in_a_series(within: str | None, tmp_path: Path) -> None:
    tree = tree_of({"p/m.py": NESTED, "p/n.py": NESTED})
    after, _ = changed(RemoveDecorator("p.m", "torch.compile", within, "delete" if within else "comment"), tree)
    options = ("--within", within, "--style", "delete") if within else ()
    write(tree, tmp_path)
    said = tool(tmp_path, REMOVE_COMMAND, "--module", "p.m", "--decorator", "torch.compile", *options, "p")
    assert files(tmp_path) == contents(after)
    assert "this is the module p.n, not p.m" in said


@pytest.mark.parametrize("style", ["comment", "delete"])
@pytest.mark.parametrize("name", sampled(SPELLINGS, every=3))
def test_every_spelling_of_a_decorator_goes_as_in_a_series(name: str, style: Style) -> None:
    before = SPELLINGS[name]
    after, _ = changed(RemoveDecorator("p.m", "torch.compile", style=style), tree_of({"p/m.py": before}))
    context = CodemodContext(full_module_name="p.m", full_package_name="p")
    result = transform_module(RemoveDecoratorCommand(context, "p.m", "torch.compile", style=style), before)
    assert isinstance(result, TransformSuccess), result
    assert result.code.encode() == after["p/m.py"].content


ODD: dict[str, Callable[[bytes], bytes]] = {
    "Windows line ends": lambda text: text.replace(b"\n", b"\r\n"),
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text,
    "a form feed between": lambda text: text.replace(b"\n\n", b"\n\x0c\n"),
    "no final line end": lambda text: text.rstrip(b"\n"),
    "an encoding": lambda text: b"# coding: latin-1\n# \xe9\n" + text,
    "tabs": lambda text: b"if 1:\n\tx = 1\n" + text,
    "mixed line ends": lambda text: text.replace(b"\n", b"\r\n", 1),
}
LOST: dict[str, Callable[[bytes], bytes]] = {
    "a leading form feed": lambda text: b"\x0c" + text,
    "a final carriage return": lambda text: text + b"\r",
    "a last line of spaces": lambda text: text + b"\n\n  \n",
    "old Mac line ends": lambda text: text.replace(b"\n", b"\r"),
}
ODD_SOURCE = b"import torch\n\n@torch.compile\ndef f():\n\tpass\n"


@pytest.mark.parametrize("form", [*ODD, *LOST])
def test_an_odd_file_gets_what_the_series_gives_or_is_left_alone(form: str, tmp_path: Path) -> None:
    before = {**ODD, **LOST}[form](ODD_SOURCE)
    tree = tree_of({"p/m.py": before})
    after, _ = changed(RemoveDecorator("p.m", "torch.compile"), tree)
    write(tree, tmp_path)
    said = tool(
        tmp_path, REMOVE_COMMAND, "--module", "p.m", "--decorator", "torch.compile", "p", code=1 if form in LOST else 0
    )
    assert files(tmp_path)["p/m.py"] == (before if form in LOST else after["p/m.py"].content)
    assert ("libcst does not reproduce this file byte for byte" in said) == (form in LOST)
