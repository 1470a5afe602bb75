"""`RenameModule` on packages, namespace packages, top-level modules, and across packages."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.patches.trees import Content, changed, contents, results_of, text, tree_of, write

from m2build.patches.change import Finding
from m2build.patches.codemods.rename_module import RenameModule

PACKAGE = {
    "p/__init__.py": "",
    "p/old/__init__.py": "from . import one\nfrom .one import f\nfrom p.old.deep import two\n",
    "p/old/one.py": "def f():\n    return 1\n",
    "p/old/one.pyi": "def f() -> int: ...\n",
    "p/old/deep/__init__.py": "from .. import one\nfrom ...old import one as again\n",
    "p/old/deep/two.py": "from p.old.one import f\nfrom ..one import f as g\nimport p.old.deep\n"
    "def package():\n    return p.old.deep.__package__\n",
    "p/old/data file.txt": "data\n",
}
RENAME = RenameModule("p.old", "p.new")


def same_result(codemod: RenameModule, files: dict[str, Content], folder: Path, module: str = "use") -> None:
    """The importer computes the same before and after, in the running Python."""
    tree = tree_of(files)
    renamed, _ = changed(codemod, tree)
    now, then = results_of(module, write(renamed, folder / "2"), write(tree, folder / "1"))
    assert now == then
    again = codemod.apply(renamed)
    assert again.finding is Finding.ALREADY_APPLIED


def test_a_package_moves_with_everything_below_it(tmp_path: Path) -> None:
    use = (
        "import p.old.deep.two as t, p.old.one\nfrom p import old\nfrom p.old import one, f\n"
        "from p.old.deep import two\nimport importlib\nm = importlib.import_module('p.old.deep.two')\n"
        "result = t.f(), p.old.one.f(), old.f(), one.f(), f(), two.g(), m.f(), len(two.package())\n"
    )
    expected = (
        "import p.new.deep.two as t, p.new.one\nfrom p import new as old\nfrom p.new import one, f\n"
        "from p.new.deep import two\nimport importlib\nm = importlib.import_module('p.new.deep.two')\n"
        "result = t.f(), p.new.one.f(), old.f(), one.f(), f(), two.g(), m.f(), len(two.package())\n"
    )
    renamed, rewrite = changed(RENAME, tree_of({**PACKAGE, "use.py": use}))
    assert contents(renamed) == {
        "p/__init__.py": b"",
        "p/new/__init__.py": b"from . import one\nfrom .one import f\nfrom p.new.deep import two\n",
        "p/new/one.py": b"def f():\n    return 1\n",
        "p/new/one.pyi": b"def f() -> int: ...\n",
        "p/new/deep/__init__.py": b"from .. import one\nfrom ...new import one as again\n",
        "p/new/deep/two.py": b"from p.new.one import f\nfrom ..one import f as g\n"
        b"import p.new.deep\ndef package():\n    return p.new.deep.__package__\n",
        "p/new/data file.txt": b"data\n",
        "use.py": expected.encode(),
    }
    assert rewrite.detail == "p.old renamed to p.new; 1 importer rewritten"
    same_result(RENAME, {**PACKAGE, "use.py": use}, tmp_path)


def test_compiled_caches_do_not_move() -> None:
    renamed, _ = changed(RENAME, tree_of({**PACKAGE, "p/old/__pycache__/one.cpython-311.pyc": b"\0"}))
    assert "p/old/__pycache__/one.cpython-311.pyc" in renamed


def test_namespace_packages_are_packages(tmp_path: Path) -> None:
    """Folders without `__init__.py`, as SGLang's `srt/models`: importers, the module's parent, the module itself."""
    files: dict[str, Content] = {
        "n/m/old.py": "value = 1\n",
        "n/m/sibling.py": "from . import old\nfrom .old import value\n",
        "n/other/cousin.py": "from ..m.old import value\nfrom ..m import old\n",
        "use.py": "from n.m.sibling import old\nfrom n.other.cousin import value\nresult = value, old.value\n",
    }
    renamed, _ = changed(RenameModule("n.m.old", "n.m.new"), tree_of(files))
    assert text(renamed, "n/m/sibling.py") == "from . import new as old\nfrom .new import value\n"
    assert text(renamed, "n/other/cousin.py") == "from ..m.new import value\nfrom ..m import new as old\n"
    same_result(RenameModule("n.m.old", "n.m.new"), files, tmp_path / "module")
    renamed, _ = changed(RenameModule("n.m", "n.k"), tree_of(files))
    assert "n/k/old.py" in renamed
    assert text(renamed, "n/k/sibling.py") == files["n/m/sibling.py"]
    assert text(renamed, "n/other/cousin.py") == "from ..k.old import value\nfrom ..k import old\n"
    same_result(RenameModule("n.m", "n.k"), files, tmp_path / "folder")


def test_an_absolute_import_of_a_neighbours_name_is_another_module() -> None:
    """In SGLang's `srt/models`, `import transformers` is Hugging Face's package."""
    models = {"n/m/old.py": "import old\nfrom old import AutoModel\n", "n/m/x.py": "import old\nold.f()\n"}
    renamed, rewrite = changed(RenameModule("n.m.old", "n.m.new"), tree_of(models))
    assert contents(renamed) == {"n/m/new.py": models["n/m/old.py"].encode(), "n/m/x.py": models["n/m/x.py"].encode()}
    assert (rewrite.detail, rewrite.mentions) == ("n.m.old renamed to n.m.new; 0 importers rewritten", ())


def test_a_module_beside_a_package_of_its_name_goes_with_it() -> None:
    """Left behind, it would become the module that the old name means."""
    files = {"p/__init__.py": "", "p/old.py": "value = 1\n", "p/old.pyi": "", "p/old/__init__.py": "value = 2\n"}
    renamed, _ = changed(RENAME, tree_of(files))
    assert sorted(renamed) == ["p/__init__.py", "p/new.py", "p/new.pyi", "p/new/__init__.py"]
    assert RENAME.apply(renamed).finding is Finding.ALREADY_APPLIED


def test_a_folder_of_data_beside_a_module_of_its_name_stays() -> None:
    renamed, _ = changed(RENAME, tree_of({"p/old.py": "", "p/old/table.json": "{}"}))
    assert sorted(renamed) == ["p/new.py", "p/old/table.json"]


TOP = {"old.py": "def f():\n    return 1\n", "pkg/__init__.py": ""}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import old\nresult = old.f()\n", "import new as old\nresult = old.f()\n"),
        ("import old as o\nresult = o.f()\n", "import new as o\nresult = o.f()\n"),
        ("import os, old\nresult = old.f()\n", "import os, new as old\nresult = old.f()\n"),
        ("from old import f\nresult = f()\n", "from new import f\nresult = f()\n"),
        ("result = __import__('old').f()\n", "result = __import__('new').f()\n"),
        ("old = 1\nresult = old\n", "old = 1\nresult = old\n"),
    ],
)
def test_a_top_level_module(before: str, after: str, tmp_path: Path) -> None:
    for path in ("use.py", "pkg/old.py", "pkg/use.py"):
        renamed, _ = changed(RenameModule("old", "new"), tree_of({**TOP, path: before}))
        assert text(renamed, path) == after
    same_result(RenameModule("old", "new"), {**TOP, "use.py": before}, tmp_path)


def test_a_top_level_package_and_its_dotted_uses(tmp_path: Path) -> None:
    use = "import p.old.one\nimport p\n\n\ndef g(p):\n    return p\n\n\nresult = p.old.one.f(), p.old.f(), g(3)\n"
    renamed, _ = changed(RenameModule("p", "q"), tree_of({**PACKAGE, "use.py": use}))
    assert text(renamed, "use.py") == (
        "import q.old.one\nimport q\n\n\ndef g(p):\n    return p\n\n\nresult = q.old.one.f(), q.old.f(), g(3)\n"
    )
    assert text(renamed, "q/old/deep/two.py").startswith("from q.old.one import f\nfrom ..one import f as g\n")
    same_result(RenameModule("p", "q"), {**PACKAGE, "use.py": use}, tmp_path)


MOVING = {
    "a/__init__.py": "",
    "a/b/__init__.py": "",
    "a/b/old.py": "from . import x\nfrom .x import value\nfrom .. import c\n\n\n"
    "def f():\n    return value, x.value, c.__name__\n",
    "a/b/x.py": "value = 'x'\n",
    "a/c/__init__.py": "",
}
MOVE = RenameModule("a.b.old", "a.c.new")


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("use.py", "from a.b import old\nresult = old.f()\n", "from a.c import new as old\nresult = old.f()\n"),
        ("use.py", "from a.b import old as new\nresult = new.f()\n", "from a.c import new\nresult = new.f()\n"),
        ("use.py", "from a.b.old import f\nresult = f()\n", "from a.c.new import f\nresult = f()\n"),
        ("use.py", "import a.b.old\nresult = a.b.old.f()\n", "import a.c.new\nresult = a.c.new.f()\n"),
        ("use.py", "import a.b.old as o\nresult = o.f()\n", "import a.c.new as o\nresult = o.f()\n"),
        (
            "use.py",
            "if 1:\n    from a.b import x, old  # both\n    result = old.f(), x.value\n",
            "if 1:\n    from a.c import new as old\n    from a.b import x  # both\n    result = old.f(), x.value\n",
        ),
        (
            "use.py",
            "import os; from a.b import old, x; result = old.f(), x.value\n",
            "import os; from a.c import new as old; from a.b import x; result = old.f(), x.value\n",
        ),
        (
            "use.py",
            "from a.b import (\r\n    x,\r\n    old,\r\n)\r\nresult = old.f(), x.value\r\n",
            "from a.c import new as old\r\nfrom a.b import (\r\n    x,\r\n    )\r\nresult = old.f(), x.value\r\n",
        ),
        ("a/b/use.py", "from . import old\nresult = old.f()\n", "from ..c import new as old\nresult = old.f()\n"),
        ("a/b/use.py", "from .old import f\nresult = f()\n", "from ..c.new import f\nresult = f()\n"),
        ("a/c/use.py", "from ..b.old import f\nresult = f()\n", "from ..c.new import f\nresult = f()\n"),
        ("a/b/__init__.py", "from .old import f\nresult = f()\n", "from ..c.new import f\nresult = f()\n"),
        (
            "use.py",
            "from importlib import import_module as i\nresult = i('a.b.old').f()\n",
            "from importlib import import_module as i\nresult = i('a.c.new').f()\n",
        ),
    ],
)
def test_a_module_moves_to_another_package(path: str, before: str, after: str, tmp_path: Path) -> None:
    files: dict[str, Content] = {**MOVING, path: before}
    renamed, _ = changed(MOVE, tree_of(files))
    assert text(renamed, path) == after
    assert text(renamed, "a/c/new.py").startswith("from ..b import x\nfrom ..b.x import value\nfrom .. import c\n")
    same_result(MOVE, files, tmp_path, path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
