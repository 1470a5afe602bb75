"""What `RenameModule` sees and does not rewrite is listed, with its line after the change."""

from __future__ import annotations

import marshal
import pickle
import re
import sys
from types import ModuleType

import pytest
from helpers.patches.renames import RENAME, TREE
from helpers.patches.trees import Content, changed, tree_of

from m2build.patches.codemods.rename_module import RenameModule


def mentions(files: dict[str, Content], codemod: RenameModule = RENAME) -> list[str]:
    """`PATH:LINE: TEXT` of each mention, after checking it against the file."""
    renamed, rewrite = changed(codemod, tree_of({**TREE, **files}))
    for item in rewrite.mentions:
        assert item.line is not None
        line = renamed[item.path].content.splitlines()[item.line - 1]
        assert line.decode(errors="replace").strip()[:160] == item.text
    return [f"{item.path}:{item.line}: {item.text}" for item in rewrite.mentions]


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("use.py", "x = 1\nNAME = 'a.b.old'\n", "use.py:2: NAME = 'a.b.old'"),
        ("use.py", "# see a.b.old.f\n", "use.py:1: # see a.b.old.f"),
        ("use.py", 'def f():\n    """Like a.b.old."""\n', 'use.py:2: """Like a.b.old."""'),
        ("use.py", "import sys\nsys.modules['a.b.old']\n", "use.py:2: sys.modules['a.b.old']"),
        ("use.py", "def t(mocker):\n    mocker.patch('a.b.old.f')\n", "use.py:2: mocker.patch('a.b.old.f')"),
        ("use.py", "open('a/b/old.py')\n", "use.py:1: open('a/b/old.py')"),
        ("pyproject.toml", "[x]\r\nrun = 'a.b.old:f'\r\n", "pyproject.toml:2: run = 'a.b.old:f'"),
        ("docs/index.md", "See `src/a/b/old.py`.\n", "docs/index.md:1: See `src/a/b/old.py`."),
        ("CODEOWNERS", "/a/b/old.py @me\n", "CODEOWNERS:1: /a/b/old.py @me"),
        ("latin.txt", b"\xe9\na.b.old\n", "latin.txt:2: a.b.old"),
    ],
)
def test_strings_comments_and_other_files_are_listed(path: str, content: Content, expected: str) -> None:
    assert mentions({path: content}) == [expected]


@pytest.mark.parametrize(
    "content",
    ["a.b.older x.a.b.old a.b.old_x a/b/older.py\n", "old\nb.old\n", "a.b.new\n", b"\0binary a.b.older\n"],
)
def test_what_only_looks_alike_is_not_listed(content: Content) -> None:
    assert mentions({"notes.txt": content}) == []


def test_a_long_line_is_cut() -> None:
    (found,) = mentions({"notes.txt": "a.b.old " + "x" * 500})
    assert len(found) == len("notes.txt:1: ") + 160


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import importlib\nimportlib.import_module('.old', where())\n", [2]),
        ("import importlib\nimportlib.import_module('.old', __name__)\n", [2]),
        ("import importlib\nimportlib.import_module('a.b' '.old')\n", []),
        ("import importlib\nimportlib.import_module('a.b.o' 'ld' '.old')\n", [2]),
        ("import importlib\nimportlib.import_module('a.b.ol\\x64')\n", [2]),
        ("from a.b import *\nold.f()\n", [2]),
        ("from a.b import *\nfrom x import old\nold.f()\n", []),
    ],
)
def test_uses_that_only_show_at_run_time_are_listed(source: str, expected: list[int]) -> None:
    assert [int(found.split(":")[1]) for found in mentions({"use.py": source})] == expected


def test_lines_are_those_of_the_file_after_the_change() -> None:
    """A separate statement for the moved module adds a line, a joined chain removes lines."""
    move = RenameModule("a.b.old", "a.c.new")
    source = "from a.b import x, old\n\nimport importlib\n\nimportlib.import_module('.old', where())\n"
    (walk, *found) = mentions({"use.py": source}, move)
    assert walk.startswith("a/c/load.py:2: ")  # it would no longer import the module
    assert found == ["use.py:6: importlib.import_module('.old', where())"]
    source = "import a.b.old\n\nv = (a\n  .b\n  .old.f())\nimport importlib\nimportlib.import_module('.old', where())\n"
    assert mentions({"use.py": source}, move)[1:] == ["use.py:5: importlib.import_module('.old', where())"]
    on_one_line = "import importlib\r\nx = 1; from a.b import old, x; importlib.import_module('.old', where())\r\n"
    (_, moved) = mentions({"use.py": on_one_line}, move)
    assert moved.startswith("use.py:2: x = 1; from a.c import new as old; from a.b import x; importlib")


def test_lines_in_the_moved_file_carry_its_new_path() -> None:
    found = mentions({"a/b/old.py": "# a.b.old\nimport importlib\nimportlib.import_module('.old', where())\n"})
    assert found == ["a/b/new.py:1: # a.b.old", "a/b/new.py:3: importlib.import_module('.old', where())"]


@pytest.mark.parametrize(
    "source",
    [
        "__all__ = ['x', 'old']\n",
        "__all__: list[str] = ['old']\n",
        "__all__ = []\n__all__ += ['old']\n",
        "from . import x\n__all__ = ['x']\n__all__.extend((\n    'old',\n))\n",
    ],
)
def test_exports_of_the_parent_package_are_listed(source: str) -> None:
    """`from a.b import *` imports the modules that `__all__` names."""
    (found,) = mentions({"a/b/__init__.py": source})
    line = 1 + next(number for number, text in enumerate(source.splitlines()) if "old" in text)
    assert found.startswith(f"a/b/__init__.py:{line}: ")


def test_exports_of_something_else_are_not_listed() -> None:
    assert mentions({"a/b/__init__.py": "from .x import value as old\n__all__ = ['old']\n"}) == []
    assert mentions({"a/b/__init__.py": "__all__ = ['older']\nnames = ['elder']\n"}) == []
    assert mentions({"a/c/__init__.py": "__all__ = ['old']\n"}) == []


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("module", ["a.b.old", f"a.{'b' * 50}.old", f"a.{'b' * 93}.old"])
def test_stored_objects_name_their_module(module: str, protocol: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands before and after the name: its length may be a letter, and so may the next instruction."""
    kind = type("Kind", (), {"__module__": module})
    for end in re.finditer(r"\.|$", module):
        monkeypatch.setitem(sys.modules, module[: end.start()], ModuleType(module))
    monkeypatch.setattr(sys.modules[module], "Kind", kind, raising=False)
    data: dict[str, Content] = {
        "pickled": pickle.dumps({"before": 1, "kind": kind}, protocol),
        "marshalled": marshal.dumps({"a": module, "b": 1}, protocol if protocol < 5 else 4),
    }
    tree = tree_of({f"{module.replace('.', '/')}.py": "", **data})
    _, rewrite = changed(RenameModule(module, f"{module}er"), tree)
    assert [found.path for found in rewrite.mentions] == sorted(data)


@pytest.mark.parametrize(
    ("source", "is_listed"),
    [
        ("path = here / 'old.py'\n", True),
        ('path = os.path.join(here, "old.pyi")\n', True),
        ("path = here / 'older.py', here / 'b.old.py'\n", False),
        ("load(b'ca.b.old\\nC\\n.')\n", True),
        ("warnings.filterwarnings('ignore', module=r'a\\.b\\.old')\n", True),
        ("warnings.filterwarnings('ignore', module='a\\\\.b\\\\.old')\n", True),
    ],
)
def test_other_spellings_of_the_module_and_its_file_are_listed(source: str, *, is_listed: bool) -> None:
    assert [found.partition(" ")[0] for found in mentions({"z.py": source})] == ["z.py:1:"] * is_listed


@pytest.mark.parametrize("content", ["a.b.old\n".rjust((1 << 20) + 1), b"\0\x01a.b.old\0", b"\0a/b/old.py\0"])
def test_a_compiled_or_large_file_is_listed_as_a_whole(content: Content) -> None:
    _, rewrite = changed(RENAME, tree_of({**TREE, "data.bin": content, "small.txt": "a.b.old\n".rjust(1 << 20)}))
    assert [str(found) for found in rewrite.mentions] == [
        "not rewritten: data.bin: a compiled or large file, which holds a.b.old",
        "not rewritten: small.txt:1: a.b.old",
    ]
