"""`RenameModule`: every form in which a file can import a module, before and after, and judged by Python itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.patches.renames import CHANGES, OLD, RENAME, TREE
from helpers.patches.trees import cases_in, changed, contents, results_of, text, tree_of, write


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [pytest.param(path, *sources, id=name) for name, path, *sources in CHANGES],
)
def test_importers_follow_the_module(path: str, before: str, after: str, tmp_path: Path) -> None:
    """To the byte, nothing else in the tree changes, and what the importer computes stays the same."""
    tree = tree_of({**TREE, path: before})
    renamed, rewrite = changed(RENAME, tree)
    assert text(renamed, path) == after
    assert [change.path for change in rewrite.changes if not change.renamed] == [path]
    expected = {**contents(tree), path: after.encode(), "a/b/new.py": OLD.encode()}
    del expected["a/b/old.py"]
    assert contents(renamed) == expected
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    now, then = results_of(module, write(renamed, tmp_path / "2"), write(tree, tmp_path / "1"))
    assert now == then


@pytest.mark.parametrize(
    ("path", "before"),
    [pytest.param(path, before, id=name) for name, path, before, _ in CHANGES],
)
def test_twice_is_once(path: str, before: str) -> None:
    renamed, _ = changed(RENAME, tree_of({**TREE, path: before}))
    again = RENAME.apply(renamed)
    assert (str(again.finding), again.changes) == ("already-applied", ())


@pytest.mark.parametrize(
    ("path", "content"), [pytest.param(*case, id=name) for name, *case in cases_in("rename_keeps.txt")]
)
def test_what_is_not_the_module_stays_byte_for_byte(path: str, content: str) -> None:
    _, rewrite = changed(RENAME, tree_of({**TREE, path: content}))
    assert [(change.old_path, change.path) for change in rewrite.changes] == [("a/b/old.py", "a/b/new.py")]


def test_the_importer_beside_the_shadowing_local_is_still_rewritten() -> None:
    """One file, both meanings: only the uses that are the module change."""
    before = "import a.b.old\n\n\ndef g(a):\n    return a.b.old\n\n\ndef h():\n    return a.b.old\n"
    after = "import a.b.new\n\n\ndef g(a):\n    return a.b.old\n\n\ndef h():\n    return a.b.new\n"
    renamed, _ = changed(RENAME, tree_of({**TREE, "use.py": before}))
    assert text(renamed, "use.py") == after


def test_a_function_of_the_modules_name_in_its_package_is_not_the_module(tmp_path: Path) -> None:
    """`from .old import old` in the package makes `from a.b import old` the function."""
    files = {
        **TREE,
        "a/b/__init__.py": "from .old import f as old\n",
        "use.py": "from a.b import old\nimport a.b.old\nresult = old(), a.b.old()\n",
        "other.py": "from a.b.old import f\nresult = f()\n",
    }
    tree = tree_of(files)
    renamed, _ = changed(RENAME, tree)
    assert text(renamed, "a/b/__init__.py") == "from .new import f as old\n"
    assert text(renamed, "use.py") == "from a.b import old\nimport a.b.new\nresult = old(), a.b.old()\n"
    now, then = results_of("use", write(renamed, tmp_path / "2"), write(tree, tmp_path / "1"))
    assert now == then
