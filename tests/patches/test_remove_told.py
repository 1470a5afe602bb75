"""`RemoveDecorator`: what passes for an applied removal, what a class binds later, and other uses that are listed."""

from __future__ import annotations

import pytest
from helpers.patches.trees import changed, tree_of

from m2build.patches.change import Finding, Rewrite
from m2build.patches.codemods.remove_decorator import RemoveDecorator
from m2build.patches.decorators import Style
from m2build.testing import assert_codemod


def applied(source: str, *, within: str | None = None, decorator: str = "d.x") -> Rewrite:
    return RemoveDecorator("m", decorator, within).apply(tree_of({"m.py": source}))


@pytest.mark.parametrize(
    "source",
    [
        "import d\n# @d.x\n# def g():\n#     pass\ndef f(): ...\n",
        "import d\n# @d.x\n# @d.y\n# async def g(): pass\ndef f(): ...\n",
        "import d\n# @d.x\n# class K: pass\n# a word\ndef f(): ...\n",
        "import d\nS = '''\n# @d.x\n# '''\ndef f(): ...\n",
        "import d\nS = f'''\n# @d.x\n'''  # a word\ndef f(): ...\n",
        "import d\n@d.y('''\n# @d.x\n''')\ndef f(): ...\n",
        "import d\n# @d.x\n\ndef f(): ...\n",
    ],
    ids=["function", "decorators", "class", "string", "f-string", "argument", "blank line"],
)
def test_a_comment_that_a_removal_would_not_have_left_is_none(source: str) -> None:
    assert applied(source).finding is Finding.ABSENT


@pytest.mark.parametrize(
    "source",
    [
        "import d\n# @d.x\n# define something (in words)\ndef f(): ...\n",
        "import d\n@d.y\n# @d.x(\n#     1,\n# )\ndef f(): ...\n",
        "import d\n\f# @d.x\ndef f(): ...\n",
        "import d\nclass K:\n  \f  # @d.x\n  \f  def f(self): ...\n",
    ],
    ids=["prose", "lines", "form feed", "form feeds"],
)
def test_a_block_of_comments_in_place_is_already_applied(source: str) -> None:
    assert applied(source).finding is Finding.ALREADY_APPLIED


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\f@d.x\ndef f(): ...\n", "\f# @d.x\ndef f(): ...\n"),
        ("\f\n@d.x\ndef f(): ...\n", "\f\n# @d.x\ndef f(): ...\n"),
        ("class K:\n \f @d.x\n \f def f(self): ...\n", "class K:\n \f # @d.x\n \f def f(self): ...\n"),
    ],
)
def test_form_feeds_make_no_difference_to_a_second_run(before: str, after: str) -> None:
    tree = tree_of({"m.py": f"import d\n{before}"})
    done, _ = changed(RemoveDecorator("m", "d.x"), tree)
    assert done["m.py"].content.decode() == f"import d\n{after}"
    assert RemoveDecorator("m", "d.x").apply(done).finding is Finding.ALREADY_APPLIED


def test_without_within_each_comment_is_named_with_its_line() -> None:
    source = "import d\n# @d.x\ndef f(): ...\nclass K:\n    # @d.x\n    def g(self): ...\n"
    assert applied(source).detail == "d.x is a comment on f (line 2), K.g (line 5) in m.py"
    assert applied(source, within="K").detail == "d.x is a comment on K.g (line 5) in m.py"


@pytest.mark.parametrize("comment", ["#@d.x\n", "# @d.x\n", "  # @d.x\n"])
def test_a_decorator_that_was_commented_out_by_hand_is_done_otherwise(comment: str) -> None:
    rewrite = applied(f"import d\nclass K:\n{comment}    def f(self): ...\n")
    assert rewrite.finding is Finding.OTHERWISE
    assert "on K.f (line 3) it is a comment in another form than this patch writes" in rewrite.detail
    assert "`accept: [done-otherwise]` accepts that" in rewrite.detail
    assert [str(found) for found in rewrite.mentions] == [f"there already: m.py:3: {comment.strip()}"]


@pytest.mark.parametrize(
    ("rest", "within", "finding"),
    [
        ("", "K.f", Finding.OTHERWISE),
        ("", "K", Finding.OTHERWISE),
        ("", None, Finding.ABSENT),
        ("", "K.g", Finding.GONE),
        ("    f = d.x(f)\n", "K", Finding.ABSENT),
        ("K.f = d.x(K.f)\n", "K.f", Finding.ABSENT),
        ("c = d.x\n@c\ndef g(): ...\n", "K.f", Finding.OTHERWISE),
        ("c = d.x\n@c\ndef g(): ...\n", "g", Finding.ABSENT),
    ],
)
@pytest.mark.parametrize("style", ["comment", "delete"])
def test_a_definition_without_the_decorator_is_done_otherwise_unless_it_has_it_in_another_way(
    rest: str, within: str | None, finding: Finding, style: Style
) -> None:
    source = f"import d\nclass K:\n    def f(self): ...\n{rest}"
    rewrite = RemoveDecorator("m", "d.x", within, style).apply(tree_of({"m.py": source}))
    assert rewrite.finding is finding
    if finding is Finding.OTHERWISE:
        line = 2 if within == "K" else 3
        assert rewrite.detail == (
            f"m.py does not use d.x as a decorator; on {within} (line {line}) it is not there, and nothing shows that "
            "it was: `accept: [done-otherwise]` accepts that"
        )
        assert [found.line for found in rewrite.mentions] == [line]


@pytest.mark.parametrize(
    ("source", "decorator", "line"),
    [
        ("import d\nclass K:\n    @d.x\n    def f(self): ...\n    d = 1\n", "d.x", 3),
        ("class K:\n    @property\n    def f(self): ...\n    property = 1\n", "property", 2),
        ("import d\nclass K:\n    class I:\n        @d.x\n        def f(self): ...\n    d = 1\n", "d.x", 4),
    ],
)
def test_a_name_that_a_class_binds_later_is_the_outer_one(source: str, decorator: str, line: int) -> None:
    lines = source.splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace("@", "# @")
    assert_codemod(RemoveDecorator("m", decorator), {"m.py": source}, {"m.py": "".join(lines)})


@pytest.mark.parametrize(
    "source",
    [
        "import d\nclass K:\n    d = 1\n    @d.x\n    def f(self): ...\n",
        "class K:\n    property = 1\n    @property\n    def f(self): ...\n",
        "import d\nd = 1\ndef g():\n    d = 2\n    @d.x\n    def f(): ...\n",
    ],
)
def test_a_name_that_is_bound_before_is_not(source: str) -> None:
    assert applied(source, decorator="property" if "property" in source else "d.x").finding is Finding.ABSENT


ALIASES = """\
import d, functools
c = d.x
@c
def f(): pass
@d.x
def g(): pass
def h(): pass
h = d.x(h)
@functools.partial(d.x, dynamic=True)
def i(): pass
"""


def test_other_uses_are_told_with_their_lines_after_the_change() -> None:
    for style, shift in (("comment", 0), ("delete", 1)):
        codemod = RemoveDecorator("m", "d.x", style=style)  # type: ignore[arg-type] # one of the two
        after, rewrite = changed(codemod, tree_of({"m.py": ALIASES}))
        told = {found.line: found.text for found in rewrite.mentions}
        expected = {2: "c = d.x", 3: "@c", 8 - shift: "h = d.x(h)"}
        assert told == {**expected, 9 - shift: "@functools.partial(d.x, dynamic=True)"}
        again = codemod.apply(after)
        assert again.mentions == rewrite.mentions


def test_within_tells_of_uses_that_concern_it() -> None:
    source = "import d\nclass K:\n    @d.x\n    def f(self):\n        return d.x(1)\nK.f = d.x(K.f)\nother = d.x(1)\n"
    _, rewrite = changed(RemoveDecorator("m", "d.x", "K.f"), tree_of({"m.py": source}))
    assert [found.line for found in rewrite.mentions] == [5, 6]


def test_a_linked_folder_is_a_conflict() -> None:
    rewrite = RemoveDecorator("p.q.m", "d.x").apply(tree_of({"m.py": ""}, links={"p/q": "/elsewhere"}))
    assert (rewrite.finding, rewrite.detail) == (Finding.CONFLICT, "p/q is a symbolic link")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("import d\n@getattr(d, 'x')\ndef f(): ...\n", 2),
        ("import d as c\ne = c\nd = e\n@d.x(1)\ndef f(): ...\n", 4),
        ("import importlib\nm = importlib.import_module('d')\n@m.x\ndef f(): ...\n", 3),
        ("import sys\n@sys.modules['d'].x\ndef f(): ...\n", 2),
        ("from p.comp import x\n@x\ndef f(): ...\n", 2),
        ("from p import comp as c\n@c.d.x(dynamic=True)\ndef f(): ...\n", 2),
        ("import p\n@p.compiled\ndef f(): ...\n", 2),
        ("from p import *\n@compiled\ndef f(): ...\n", 2),
    ],
    ids=["getattr", "aliases", "imported", "sys.modules", "handed on", "module", "twice", "star"],
)
def test_a_decorator_that_may_be_it_under_another_name_is_told(source: str, line: int) -> None:
    package = {"p/__init__.py": "from .comp import x as compiled\n", "p/comp.py": "import d\nfrom d import x\n"}
    rewrite = RemoveDecorator("m", "d.x").apply(tree_of({"m.py": source, **package}))
    assert rewrite.finding is Finding.ABSENT
    assert [(found.line, found.text) for found in rewrite.mentions] == [(line, source.splitlines()[line - 1])]
    assert all("may be d.x" in (found.reason or "") for found in rewrite.mentions)


def test_a_class_that_binds_a_name_to_itself_may_mean_the_outer_one() -> None:
    source = "class K:\n    property = property\n    @property\n    def f(self): ...\n"
    assert 3 in [found.line for found in applied(source, decorator="property").mentions]


@pytest.mark.parametrize(
    "source",
    ["from p.comp import y\n@y\ndef f(): ...\n", "import p\n@p.other.x\ndef f(): ...\n", "x = 1\n@x\ndef f(): ...\n"],
)
def test_a_decorator_that_only_looks_alike_is_not_told(source: str) -> None:
    package = {"p/__init__.py": "", "p/comp.py": "import d\ny = d\n", "p/other.py": "def x(f): return f\n"}
    assert RemoveDecorator("m", "d.x").apply(tree_of({"m.py": source, **package})).mentions == ()
