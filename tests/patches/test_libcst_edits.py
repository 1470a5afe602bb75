"""What libcst cannot edit exactly is refused with its place; elsewhere in a file it does no harm."""

from __future__ import annotations

import pytest
from helpers.patches.trees import changed, contents, tree_of
from helpers.support import sampled

from m2build.errors import PatchError
from m2build.patches.change import Codemod, Finding
from m2build.patches.codemods.remove_decorator import RemoveDecorator
from m2build.patches.codemods.rename_module import RenameModule
from m2build.patches.foreign.codemod import LibcstCodemod
from m2build.patches.tree import SourceTree

RENAME = RenameModule("a.b.old", "a.b.new")
MOVE = RenameModule("a.b.old", "a.new")
REMOVE = RemoveDecorator("use", "torch.compile")
THEIRS = LibcstCodemod("their_codemods.PosixPath", ("*.py",), allow=("their_codemods",))
PACKAGE = {"a/__init__.py": "", "a/b/__init__.py": "", "a/b/old.py": "x = 1\n"}

LONG_SUM = "    v = " + " + ".join(["1"] * 900) + "\n"
MANY_ELIFS = "    if v: pass\n" + "    elif v: pass\n" * 500
UNREADABLE = {
    "a sum of 900 terms": LONG_SUM,
    "500 elifs": MANY_ELIFS,
    "a line that is only continued": "    if v:\n      \\\n      v = 1\n",
}
CHANGING = {
    "an import": (RENAME, "def f(v):\n    from a.b import old\n"),
    "a use": (RENAME, "import a.b.old\ndef f(v):\n    a.b.old.x\n"),
    "a decorator": (REMOVE, "import torch\ndef f(v):\n    @torch.compile\n    def g(): ...\n"),
}


@pytest.mark.parametrize("unreadable", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize(("codemod", "source"), CHANGING.values(), ids=CHANGING)
def test_a_statement_that_libcst_cannot_parse_is_refused_with_its_place(
    codemod: Codemod, source: str, unreadable: str
) -> None:
    tree = tree_of({**PACKAGE, "use.py": source + unreadable})
    line = 1 + source[: source.index("def f")].count("\n")
    try:
        rewrite = codemod.apply(tree)
    except PatchError as error:
        reason = str(error)  # the search for uses and decorators recurses before libcst does
    else:
        assert rewrite.finding is Finding.CONFLICT
        reason = rewrite.detail
    assert reason.startswith((f"use.py:{line}: libcst cannot parse", "use.py is nested too deeply to be read"))


def test_a_statement_that_libcst_does_not_reproduce_is_refused_with_its_place() -> None:
    """Form feeds in a block's first indentation: libcst 1.9 puts them before every line."""
    source = "x = 1\nif x:\n\f\f  x = 2\n  from a.b import old\n"
    rewrite = RENAME.apply(tree_of({**PACKAGE, "use.py": source}))
    assert rewrite.finding is Finding.CONFLICT
    assert rewrite.detail == "use.py:2: libcst does not reproduce this statement byte for byte"


@pytest.mark.parametrize("unreadable", UNREADABLE.values(), ids=UNREADABLE)
def test_another_statement_may_be_anything(unreadable: str) -> None:
    source = f"from a.b import old\ndef f(v):\n{unreadable}"
    after, _ = changed(RENAME, tree_of({**PACKAGE, "use.py": source}))
    assert after["use.py"].content.decode() == source.replace("import old", "import new as old")


def nested(depth: int) -> SourceTree:
    text = "import a.b.old, os, torch\na.b.old, os.path.join\n@torch.compile\ndef f(): return "
    return tree_of({**PACKAGE, "use.py": text + " + ".join(["v"] * depth) + "\n"})


@pytest.mark.parametrize("codemod", [RENAME, REMOVE, THEIRS])
def test_a_file_that_is_nested_too_deeply_is_reported_with_its_path(codemod: Codemod) -> None:
    with pytest.raises(PatchError, match=r"^use\.py"):
        codemod.apply(nested(20_000 if codemod is THEIRS else 950))


@pytest.mark.parametrize("step", sampled([200, 50], every=2))
@pytest.mark.parametrize("codemod", sampled([RENAME, REMOVE, THEIRS], every=3))
def test_at_every_depth_there_is_a_change_or_a_reason(codemod: Codemod, step: int) -> None:
    """Each step, from the search to libcst's printing, has its own limit of depth."""
    endings = set()
    for depth in (50, 150, *range(200, 1000, step), 20_000):
        try:
            rewrite = codemod.apply(nested(depth))
        except PatchError as error:
            ending, reason = "error", str(error)
        else:
            ending, reason = str(rewrite.finding), rewrite.detail
        assert ending == "changed" or reason.startswith("use.py"), (depth, reason)
        endings.add(ending)
    assert endings >= {"changed", "error"}


@pytest.mark.parametrize("head", ["", "\f", "\f\f\n", "\ufeff", "#!/bin/sh\n\f", "  \f"])
@pytest.mark.parametrize(
    "tail", ["", "\r", "\n", "\r\n", "\r\n\r", " \\\n\n", " \\\r\n\r\n", "  # \\\nv = 1", "; v = 1\r"]
)
def test_a_file_that_libcst_does_not_reproduce_stays_as_it_is(head: str, tail: str) -> None:
    """Byte order marks, leading form feeds, a final carriage return, a backslash at the end."""
    for codemod, before, after in (
        (RENAME, "from a.b import old", "from a.b import new as old"),
        (RENAME, "import os; import a.b.old as o", "import os; import a.b.new as o"),
        (MOVE, "from a.b import old", "from a import new as old"),
    ):
        compile((head + before + tail).encode(), "before", "exec")
        tree, _ = changed(codemod, tree_of({**PACKAGE, "use.py": head + before + tail}))
        assert tree["use.py"].content.decode() == head + after + tail


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if 1:\n  # c\n  from a.b import old, x\n", "if 1:\n  # c\n  from a import new as old\n  from a.b import x\n"),
        ("v = 1; from a.b import old, x; v\n", "v = 1; from a import new as old; from a.b import x; v\n"),
        ("class K: from a.b import old, x\n", "class K: from a import new as old; from a.b import x\n"),
        ("from a.b import old, x; v = 1\n", "from a import new as old\nfrom a.b import x; v = 1\n"),
        ("v = 1; \\\n  from a.b import old, x\n", "v = 1; \\\n  from a import new as old; from a.b import x\n"),
        ("from a.b import old, old as o\n", "from a import new as old\nfrom a import new as o\n"),
    ],
    ids=["block", "inside a line", "on one line", "first of a line", "continued line", "nothing kept"],
)  # fmt: skip
def test_a_statement_of_its_own_gets_a_line_or_a_semicolon(before: str, after: str, newline: str) -> None:
    tree = tree_of({**PACKAGE, "a/b/x.py": "", "use.py": before.replace("\n", newline)})
    moved, _ = changed(MOVE, tree)
    assert moved["use.py"].content.decode() == after.replace("\n", newline)
    compile(moved["use.py"].content, "after", "exec")


def test_only_the_statements_that_change_reach_libcst(monkeypatch: pytest.MonkeyPatch) -> None:
    import libcst

    seen: list[str] = []
    parse = libcst.parse_module

    def watched(text: str) -> libcst.Module:
        seen.append(text)
        return parse(text)

    monkeypatch.setattr(libcst, "parse_module", watched)
    source = "x = 1\n# c\nfrom a.b import old\n\n\ndef f():\n    return old.x\n\n\nclass K:\n    import a.b.old as o\n"
    after, _ = changed(RENAME, tree_of({**PACKAGE, "use.py": source}))
    assert seen == ["from a.b import old", "class K:\n    import a.b.old as o"]
    assert set(contents(after)) == {"a/__init__.py", "a/b/__init__.py", "a/b/new.py", "use.py"}


def test_the_account_of_a_change_counts_what_was_found() -> None:
    tree = tree_of(
        {**PACKAGE, "use.py": "from a.b import old\nimport a.b.old\na.b.old.x\n", "v.py": "import a.b.old\n"}
    )
    _, rewrite = changed(RENAME, tree)
    assert rewrite.proof is not None
    assert (rewrite.proof.method, rewrite.proof.found, rewrite.proof.found_again) == ("find", 4, 0)


def test_a_result_in_which_something_is_found_again_is_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit that leaves a use behind is a bug, and must not count as a change."""
    from m2build.patches.decorator_edits import DecoratorEditor
    from m2build.patches.renaming.edits import RenamingEditor

    def lazy(_: object, original: object, updated: object) -> object:
        return updated

    def taking(self: DecoratorEditor, original: object, updated: object) -> object:
        self.waiting.clear()
        return updated

    monkeypatch.setattr(RenamingEditor, "leave_Import", taking)
    monkeypatch.setattr(DecoratorEditor, "leave_FunctionDef", taking)
    rewrite = RENAME.apply(tree_of({**PACKAGE, "use.py": "import a.b.old\n"}))
    assert (rewrite.finding, rewrite.detail) == (Finding.CONFLICT, "use.py:1: a.b.old is still used after the edit")
    rewrite = REMOVE.apply(tree_of({"use.py": "import torch\n@torch.compile\ndef f(): ...\n"}))
    assert rewrite.finding is Finding.CONFLICT
    assert rewrite.detail == "use.py:2: torch.compile is still on f after the edit"
    monkeypatch.setattr(RenamingEditor, "leave_Import", lazy)
    rewrite = RENAME.apply(tree_of({**PACKAGE, "use.py": "import a.b.old\n"}))
    assert rewrite.finding is Finding.CONFLICT
    assert "libcst has no node at line" in rewrite.detail
