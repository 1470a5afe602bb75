"""`RenameModule` and files beside the sources, compiled, linked, unreadable, or not Python; and what it rests on."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.patches.renames import OLD, RENAME, TREE
from helpers.patches.trees import Content, changed, tree_of, write
from helpers.patches.wheels import wheel

from m2build.errors import UsageError
from m2build.patches.change import Finding
from m2build.patches.codemods.rename_module import RenameModule
from m2build.patches.sources import from_directory, from_wheel
from m2build.testing import assert_unchanged

WITHOUT = {path: content for path, content in TREE.items() if path != "a/b/old.py"}


def told(files: dict[str, Content], codemod: RenameModule = RENAME, links: dict[str, str] | None = None) -> list[str]:
    _, rewrite = changed(codemod, tree_of({**TREE, **files}, links=links))
    return [str(mention) for mention in rewrite.mentions]


@pytest.mark.parametrize(
    "name", ["old.cpython-311-x86_64-linux-gnu.so", "old.abi3.so", "old.so", "old.cp311-win_amd64.pyd", "old.pyc"]
)
@pytest.mark.parametrize("source", ["a/b/old.py", "a/b/old.pyi", None])
def test_a_compiled_module_is_a_conflict(name: str, source: str | None) -> None:
    """Its name is compiled in, and the import system takes it before the source."""
    files = {**WITHOUT, **({source: ""} if source else {}), f"a/b/{name}": "\0"}
    result = assert_unchanged(RENAME, files, Finding.CONFLICT)
    assert f"a/b/{name} is compiled, and would keep its name" in result.detail


def test_other_compiled_files_are_no_obstacle_and_are_searched() -> None:
    files: dict[str, Content] = {
        "a/b/older.so": b"\0",
        "a/b/x.cpython-311-x86_64-linux-gnu.so": b"\0\0a.b.old\0",
        "a/b/fast.so": b"\0a.b.older\0",
    }
    expected = "a/b/x.cpython-311-x86_64-linux-gnu.so: a compiled or large file, which holds a.b.old"
    assert told(files) == [f"not rewritten: {expected}"]


@pytest.mark.parametrize("to", ["a.b.class", "a.None.new", "import", "a.b.async"])
def test_a_keyword_is_no_name_for_a_module(to: str) -> None:
    with pytest.raises(UsageError, match="is a keyword"):
        RenameModule("a.b.old", to)


@pytest.mark.parametrize("to", ["a.b.match", "a.b.type", "a.b._"])
def test_a_soft_keyword_is_a_name(to: str) -> None:
    changed(RenameModule("a.b.old", to), tree_of(TREE))


@pytest.mark.parametrize("link", ["a/b", "a", "a/c"])
def test_a_linked_package_folder_is_a_conflict(link: str) -> None:
    files = {path: content for path, content in TREE.items() if not path.startswith(f"{link}/")}
    rewrite = RenameModule("a.b.old", "a.c.new").apply(tree_of({**files, "z.py": ""}, links={link: "/elsewhere"}))
    assert rewrite.finding is Finding.CONFLICT
    assert f"{link} is a symbolic link" in rewrite.detail


@pytest.mark.parametrize(
    ("link", "target", "is_told"),
    [
        ("use.py", "../outside.py", True),
        ("z", "/opt/z", True),
        ("a/deep.py", "../../outside.py", True),
        ("use.py", "a/c/load.py", False),
        ("a/deep.py", "../z.py", False),
        ("notes.txt", "/etc/motd", False),
    ],
)
def test_links_out_of_the_tree_are_not_searched_and_told(link: str, target: str, *, is_told: bool) -> None:
    line = f"not searched: {link}: a symbolic link to {target}, out of the sources"
    assert told({}, links={link: target}) == ([line] if is_told else [])


@pytest.mark.parametrize(
    ("path", "content", "line"),
    [
        ("a/b/fast.pyx", "cimport x\nfrom .old cimport f\n", 2),
        ("a/b/fast.pxd", "from . cimport (x,\n  old)\n", 1),
        ("bin/tool", "#!/usr/bin/python\nfrom a.b import x, old\n", 2),
        ("bin/run", "#!/bin/sh\npython -m a.b.old\n", 2),
        ("docs/use.rst", "    >>> from a.b import old\n", 1),
    ],
)
def test_files_that_are_not_python_are_searched_for_imports(path: str, content: str, line: int) -> None:
    (found,) = told({path: content})
    assert found.startswith(f"not rewritten: {path}:{line}: ")


@pytest.mark.parametrize(
    "content", ["from .older cimport f\n", "from a.c import old\n", "import old\n", "from x import old\n"]
)
def test_imports_of_something_else_there_are_not_told(content: str) -> None:
    assert told({"a/b/fast.pyx": content}) == []


def test_a_wheels_entry_points_and_scripts_are_searched(tmp_path: Path) -> None:
    """They are no sources: pip writes them elsewhere."""
    members = {
        **TREE,
        "demo-1.dist-info/entry_points.txt": "[console_scripts]\nx = a.b.old:f\ny = a.b.x:f\n",
        "demo-1.dist-info/RECORD": "a/b/old.py,,\n",
        "demo-1.data/scripts/tool": "#!python\nfrom a.b.old import f\n",
        "demo-1.data/data/share/x": "b.old\n",
    }
    path = tmp_path / "demo-1-py3-none-any.whl"
    path.write_bytes(wheel(members))
    tree = from_wheel(path)
    assert not any(name.startswith("demo") for name in tree)
    renamed, rewrite = changed(RENAME, tree)
    assert [f"{found.path}:{found.line}" for found in rewrite.mentions] == [
        "demo-1.data/scripts/tool:2",
        "demo-1.dist-info/entry_points.txt:2",
    ]
    assert renamed.beside == tree.beside


def test_a_file_that_cannot_be_read_is_told_and_stops_nothing(tmp_path: Path) -> None:
    """A link that appears after the listing is as unreadable as a file of another user, for root too."""
    tree = from_directory(write(tree_of({**TREE, "locked.py": "", "locked.txt": ""}), tmp_path))
    for name in ("locked.py", "locked.txt"):
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to(tmp_path / name)
    _, rewrite = changed(RENAME, tree)
    assert [(str(found.kind), found.path) for found in rewrite.mentions] == [
        ("not searched", "locked.py"),
        ("not searched", "locked.txt"),
    ]


def test_data_of_hundreds_of_megabytes_is_told_and_not_searched(tmp_path: Path) -> None:
    folder = write(tree_of({**TREE, "large.bin": "", "larger.bin": ""}), tmp_path)
    for name, size in (("large.bin", 2 << 20), ("larger.bin", 257 << 20)):
        with (folder / name).open("wb") as file:
            file.truncate(size)
            file.seek(0, 2)
            file.write(b"a.b.old")
    _, rewrite = changed(RENAME, from_directory(folder))
    assert [(str(found.kind), found.path, found.text) for found in rewrite.mentions] == [
        ("not rewritten", "large.bin", "a compiled or large file, which holds a.b.old"),
        ("not searched", "larger.bin", "a file of 269,484,039 bytes"),
    ]


def test_a_top_level_name_is_folded_with_code_before_words() -> None:
    files: dict[str, Content] = {
        "attr.py": "x = 1\n",
        "setup.cfg": "prose about attr\n[x]\nrun = attr:main\nattr again\n",
        "one.txt": "an attr\nan attr\n",
        "two.txt": "the attr\n",
    }
    _, rewrite = changed(RenameModule("attr", "attrib"), tree_of(files))
    assert [str(found) for found in rewrite.mentions] == [
        "not rewritten: one.txt:1: an attr (and 1 more file where attr is a word)",
        "not rewritten: setup.cfg:3: run = attr:main (and 2 more lines in this file)",
    ]


def test_already_applied_shows_what_it_rests_on() -> None:
    files: dict[str, Content] = {**WITHOUT, "a/b/new.py": OLD, "use.py": "import os\nfrom a.b.new import f\n"}
    result = assert_unchanged(RENAME, files, Finding.ALREADY_APPLIED)
    assert [str(found) for found in result.mentions] == [
        "there already: a/b/new.py: a.b.new is here",
        "there already: use.py:2: from a.b.new import f",
    ]


def test_already_applied_keeps_what_still_names_the_old_one() -> None:
    source = "import importlib\nfor n in ['a.b.old']: importlib.import_module(n)\n"
    result = assert_unchanged(RENAME, {**WITHOUT, "a/b/new.py": OLD, "use.py": source}, Finding.ALREADY_APPLIED)
    assert [str(found) for found in result.mentions] == [
        "there already: a/b/new.py: a.b.new is here",
        "there already: a/b/new.py: no file imports a.b.new by a name that can be seen",
        "not rewritten: use.py:2: for n in ['a.b.old']: importlib.import_module(n)",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    from a.b import old\nexcept ImportError:\n    old = None\n",
        "import importlib\nm = importlib.import_module('.old', 'a.b')\n",
        "def g():\n    import a.b.old as o\n",
    ],
)
def test_an_importer_of_the_old_name_is_never_already_applied(source: str) -> None:
    renamed, _ = changed(RENAME, tree_of({**WITHOUT, "a/b/new.py": OLD, "use.py": source}))
    assert "old" not in renamed["use.py"].content.decode().replace("as old", "").replace("old = None", "")


@pytest.mark.parametrize("name", ["f", "g as f", "C, missing"])
def test_a_new_module_without_what_is_imported_from_the_old_one_is_another_module(name: str) -> None:
    files = {**WITHOUT, "a/b/new.py": "class C: ...\n", "use.py": f"from a.b.old import {name}\n"}
    result = assert_unchanged(RENAME, files, Finding.CONFLICT)
    assert "use.py:1: a.b.new exists already, without " in result.detail
