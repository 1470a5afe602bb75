"""`RenameModule` where there is nothing to do, something in the way, or something that cannot be read."""

from __future__ import annotations

import re

import pytest
from helpers.patches.renames import OLD, RENAME, TREE
from helpers.patches.trees import Content, changed, contents, text, tree_of

from m2build.errors import PatchError, UsageError
from m2build.patches.change import Finding
from m2build.patches.codemods.rename_module import RenameModule
from m2build.testing import assert_unchanged

IMPORTER = "from a.b import old\nfrom a.b.old import f\n"


@pytest.mark.parametrize(
    "there",
    [
        {"a/b/new.py": "taken\n"},
        {"a/b/new.pyi": "taken: int\n"},
        {"a/b/new/__init__.py": ""},
        {"a/b/new/data/table.json": "{}"},
    ],
    ids=["module", "stub", "package", "folder"],
)
def test_a_target_that_exists_is_a_conflict(there: dict[str, Content]) -> None:
    result = assert_unchanged(RENAME, {**TREE, "use.py": IMPORTER, **there}, Finding.CONFLICT)
    assert f"a.b.new exists already ({next(iter(there))})" in result.detail


@pytest.mark.parametrize("link", ["a/b/old.py", "a/b/old", "a/b/new.py", "a/b/new", "a/b/new/x.py"])
def test_a_symbolic_link_in_the_way_is_a_conflict(link: str) -> None:
    files = {path: content for path, content in TREE.items() if path != link}
    result = assert_unchanged(RENAME, tree_of(files, links={link: "/elsewhere"}), Finding.CONFLICT)
    assert f"{link} is a symbolic link" in result.detail


@pytest.mark.parametrize(
    "there",
    [
        {"a/b/__init__.py": "new = 7\n"},
        {"a/b/__init__.py": "from .old import f as new\n"},
        {"a/b/__init__.py": "from .x import *\n", "a/b/x.py": "def new(): ...\n"},
        {"a/b/__init__.py": "try:\n    from . import new\nexcept ImportError:\n    new = None\n"},
    ],
    ids=["value", "part", "star", "fallback"],
)
def test_a_name_that_the_package_binds_is_a_conflict(there: dict[str, Content]) -> None:
    """Otherwise users of the one would get the other."""
    result = assert_unchanged(RENAME, {**TREE, "use.py": IMPORTER, **there}, Finding.CONFLICT)
    assert "the package a.b binds new itself" in result.detail


def test_a_name_that_the_package_only_uses_is_free() -> None:
    init = "def f(new): return new\n__all__ = ['new']\ndel f\n"
    changed(RENAME, tree_of({**TREE, "a/b/__init__.py": init}))


def test_other_symbolic_links_do_not_matter() -> None:
    changed(RENAME, tree_of(TREE, links={"a/b/older.py": "x.py", "a/b/old.pyc": "x", "c": "a"}))


def test_a_package_that_does_not_exist_is_a_conflict() -> None:
    result = assert_unchanged(RenameModule("a.b.old", "a.nowhere.new"), TREE, Finding.CONFLICT)
    assert "the package a.nowhere does not exist" in result.detail


def test_a_tree_with_neither_name_is_gone() -> None:
    files = {path: content for path, content in TREE.items() if path != "a/b/old.py"}
    result = assert_unchanged(RENAME, {**files, "use.py": IMPORTER}, Finding.GONE)
    assert result.detail == "neither a.b.old nor a.b.new exists"


def test_only_the_new_name_and_no_importer_is_already_applied() -> None:
    files = {"a/b/new.py": OLD, "use.py": "from a.b import new as old\n"}
    assert_unchanged(RENAME, files, Finding.ALREADY_APPLIED)


def test_a_file_that_was_only_moved_gets_its_importers_rewritten() -> None:
    """After a plain `mv` the importers are broken; the codemod rewrites them, and reports it."""
    moved = {path: content for path, content in TREE.items() if path != "a/b/old.py"} | {"a/b/new.py": OLD}
    tree = tree_of({**moved, "use.py": IMPORTER, "a/b/sibling.py": "from . import old\n"})
    mended, rewrite = changed(RENAME, tree)
    assert rewrite.detail == "a.b.new exists already; 2 importers rewritten"
    whole, _ = changed(RENAME, tree_of({**TREE, "use.py": IMPORTER, "a/b/sibling.py": "from . import old\n"}))
    assert contents(mended) == contents(whole)


def test_a_tree_with_some_importers_rewritten_is_completed() -> None:
    tree = tree_of({**TREE, "one.py": "from a.b.new import f\n", "two.py": IMPORTER})
    finished, rewrite = changed(RENAME, tree)
    assert text(finished, "one.py") == "from a.b.new import f\n"
    assert text(finished, "two.py") == "from a.b import new as old\nfrom a.b.new import f\n"
    assert rewrite.detail == "a.b.old renamed to a.b.new; 1 importer rewritten"


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("x = 1\nfrom a.b.old import (f,\n", "bad.py:2:"),
        ("import a.b.old\n\n  indented = 1\n", "bad.py:3:"),
        ("import a.b.old\nprint 'Python 2'\n", "bad.py:2:"),
        (b"import a.b.old\n\0", "bad.py:1:"),
        (b"# coding: no-such-codec\nimport a.b.old\n", "bad.py:1:1"),
        (b"import a.b.old  # \xff\n", "bad.py:1:1"),
    ],
    ids=["bracket", "indentation", "python2", "nul", "codec", "bytes"],
)
def test_a_concerned_file_that_does_not_parse_stops_with_its_place(content: Content, where: str) -> None:
    with pytest.raises(PatchError, match=rf"^{re.escape(where)}.*(does not parse|cannot be decoded)"):
        RENAME.apply(tree_of({**TREE, "bad.py": content}))


@pytest.mark.parametrize(
    "content",
    [
        "print 'Python 2'\nfrom a.b import x\n",
        "from a.b import older, (\n",
        "import a.b.older as\n",
        "old = print 'only the word'\n",
        b"# coding: no-such-codec\nimport a.b.x\n",
        b"import a.b.x  # \xff\n",
        b"\0\xfe\xff not Python at all",
    ],
)
def test_a_file_that_cannot_be_concerned_may_hold_anything(content: Content) -> None:
    changed(RENAME, tree_of({**TREE, "bad.py": content}))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import a.b as m\nm.old.f()\n", "use.py:2: this use of a.b.old cannot follow it to another package"),
        ("import a.b.old\na.b.x\n", "use.py:2: a would no longer be imported here"),
    ],
)
def test_a_use_that_cannot_follow_to_another_package_is_a_conflict(source: str, why: str) -> None:
    rename = RenameModule("a.b.old", "z.new")
    rewrite = rename.apply(tree_of({**TREE, "z/__init__.py": "", "use.py": source}))
    assert (rewrite.finding, rewrite.changes) == (Finding.CONFLICT, ())
    assert why in rewrite.detail


@pytest.mark.parametrize(
    ("module", "to"), [("", "a"), ("a.b", "a-b"), ("a..b", "c"), ("a.1", "c"), ("a/b", "c"), ("a.b", ".c"), ("a ", "c")]
)
def test_names_have_to_be_dotted_python_names(module: str, to: str) -> None:
    with pytest.raises(UsageError, match="is not a dotted Python name"):
        RenameModule(module, to)


@pytest.mark.parametrize(("module", "to"), [("a.b", "a.b"), ("a.b", "a"), ("a.b", "a.b.c")])
def test_a_module_cannot_move_into_itself(module: str, to: str) -> None:
    with pytest.raises(UsageError, match="one lies inside the other"):
        RenameModule(module, to)
