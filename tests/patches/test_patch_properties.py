"""With any code around the edit, every other byte stays, the file compiles, and a second run changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from helpers.patches.generated import INDENTS, Part, Source, lines_of, sources
from helpers.patches.trees import changed, tree_of
from helpers.support import in_shares
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.patches.change import Codemod, Finding
from m2build.patches.codemods import rename_module
from m2build.patches.codemods.remove_decorator import RemoveDecorator
from m2build.patches.codemods.rename_module import RenameModule
from m2build.patches.modules import Renaming
from m2build.patches.renaming.concern import Concern


class Everything(Concern):
    """A search that finds every file."""

    def __call__(self, path: str, content: bytes, *, moves: bool) -> bool:  # noqa: ARG002 - as in `Concern`
        return True


BOUNDED = settings(max_examples=10, deadline=None)
SHARES = in_shares(10)
PATH = "a/b/use.py"


def check(codemod: Codemod, source: Source, finding: Finding) -> None:
    tree = tree_of({"a/b/old.py": "def f(*a): return f\n", PATH: source.before})
    compile(source.before, "before", "exec", dont_inherit=True)
    after, rewrite = changed(codemod, tree)
    assert after[PATH].content == source.after
    assert {change.path for change in rewrite.changes if not change.renamed} == {PATH}
    compile(after[PATH].content, "after", "exec", dont_inherit=True)
    again = codemod.apply(after)
    assert (again.finding, again.changes) == (finding, ())


SIMPLE = [
    ("from a.b import old", "from a.b import new as old"),
    ("from a.b import x, old as o, y", "from a.b import x, new as o, y"),
    ("from . import (old)", "from . import (new as old)"),
    ("from .old import *", "from .new import *"),
    ("import a.b.old as o, os", "import a.b.new as o, os"),
    ("import a.b.old; e = 'é', a.b.old.f, f'é{a.b.old}'", "import a.b.new; e = 'é', a.b.new.f, f'é{a.b.new}'"),
    ("import importlib; importlib.import_module('a.b.old')", "import importlib; importlib.import_module('a.b.new')"),
]
LONG = [
    ("from a.b.old import f  # é\n", "from a.b.new import f  # é\n"),
    ("from .old import (\n  f,  # é\n\n g,)\n", "from .new import (\n  f,  # é\n\n g,)\n"),
    ("from \\\n a.b import old\n", "from \\\n a.b import new as old\n"),
    ("import a.b.old\nv = (a  # é\n .b\n\n\t.old)\n", "import a.b.new\nv = (a  # é\n .b\n\n\t.new)\n"),
]
AROUND = ["{1}\n", "def k():\n{0}{1}; return 1\n", "if 1:\n{0}x = 1; {1};\n", "try:\n{0}{1}  # é\nfinally: pass\n"]


@st.composite
def renames(draw: st.DrawFn) -> Part:
    before, after = draw(st.sampled_from(SIMPLE))
    around, indent = draw(st.sampled_from(AROUND if "*" not in before else AROUND[:1])), draw(INDENTS)
    long = draw(st.sampled_from([None, *LONG]))
    before, after = long or (around.format(indent, before), around.format(indent, after))
    return Part(lines_of(before), [*lines_of(after)])


@SHARES
@BOUNDED
@given(sources(renames()))
def test_a_rename_leaves_every_other_byte(share: int, source: Source) -> None:
    check(RenameModule("a.b.old", "a.b.new"), source, Finding.ALREADY_APPLIED)


@SHARES
@BOUNDED
@given(sources(renames()), st.sampled_from(["old", "older", "x", "a"]))
def test_the_fast_test_never_misses_a_file(share: int, source: Source, last: str) -> None:
    """Where the parsed file would change, the search before parsing has to find it."""
    renaming = Renaming(f"a.b.{last}", "a.b.new")
    codemod = RenameModule(renaming.old, renaming.new)
    tree = tree_of({f"a/b/{last}.py": "", PATH: source.before})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rename_module, "Concern", Everything)
        without = codemod.apply(tree)
    assert codemod.apply(tree) == without
    touched = any(change.path == PATH for change in without.changes)
    assert Concern(renaming)(PATH, source.before, moves=False) or not touched


@st.composite
def decorators(draw: st.DrawFn) -> Part:
    indent = draw(INDENTS)
    lines = draw(
        st.sampled_from(
            [
                ["@torch.compile"],
                ["@torch.compile(dynamic=True)  # é"],
                ["@torch.compile(", "  1,", "# ö", "", ")"],
                ["@ torch \\", "  .compile"],
                ["@torch.compile('''", "  é", "", "''')"],
            ]
        )
    )
    other = draw(st.sampled_from(["", f"{indent}# between\n", f"{indent}@staticmethod\n"]))
    kind = draw(st.sampled_from(["def m(): pass", "async def m(): pass", "class m: v = 1"]))
    head = lines_of("import torch\nclass Outer:\n" + draw(st.sampled_from(["", f"{indent}v = 1\n"])))
    tail = lines_of(f"{other}{indent}{kind}\n")
    before = [f"{indent}{line}\n" if line else "\n" for line in lines]
    after = [f"{indent}# {line}\n" if line else f"{indent}#\n" for line in lines]
    return Part([*head, *before, *tail], [*head, *after, *tail])


@SHARES
@BOUNDED
@given(sources(decorators()))
def test_a_commented_decorator_leaves_every_other_byte(share: int, source: Source) -> None:
    check(RemoveDecorator("a.b.use", "torch.compile"), source, Finding.ALREADY_APPLIED)


def gone(part: Part) -> Part:
    """The same, with the lines deleted that the comment style changes."""
    lines = zip(part.before, part.after, strict=True)
    return replace(part, after=[after if before == after else None for before, after in lines])


@SHARES
@BOUNDED
@given(sources(decorators().map(gone)))
def test_a_deleted_decorator_leaves_every_other_byte(share: int, source: Source) -> None:
    style: Literal["delete"] = "delete"
    check(RemoveDecorator("a.b.use", "torch.compile", style=style), source, Finding.ABSENT)
