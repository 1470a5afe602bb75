"""`RemoveDecorator`: which decorators match, and how their lines are removed."""

from __future__ import annotations

import pytest
from helpers.patches.decorators import CHANGES, NESTED, Style
from helpers.patches.trees import Content, cases_in, changed, tree_of

from m2build.errors import PatchError, UsageError
from m2build.patches.change import Finding, Rewrite
from m2build.patches.codemods.remove_decorator import RemoveDecorator
from m2build.testing import assert_codemod


def removed(source: Content, *, within: str | None = None, style: Style = "comment", path: str = "p/m.py") -> bytes:
    """The module after its `torch.compile` decorators have gone; other files stay."""
    codemod = RemoveDecorator("p.m", "torch.compile", within=within, style=style)
    tree = tree_of({path: source, "p/other.py": source})
    after, rewrite = changed(codemod, tree)
    assert [change.path for change in rewrite.changes] == [path]
    again = codemod.apply(after)
    assert (again.finding, again.changes) == (
        (Finding.ALREADY_APPLIED if style == "comment" else Finding.ABSENT),
        (),
    ), again.detail
    return after[path].content


def kept(source: Content, *, within: str | None = None) -> Rewrite:
    """The codemod's message for a module that it must not change."""
    rewrite = RemoveDecorator("p.m", "torch.compile", within=within).apply(tree_of({"p/m.py": source}))
    assert rewrite.changes == ()
    return rewrite


@pytest.mark.parametrize(("before", "after"), [pytest.param(*sources, id=name) for name, *sources in CHANGES])
def test_every_spelling_is_commented_out(before: str, after: str) -> None:
    files = {"p/m.py": before, "p/other.py": before}
    assert_codemod(RemoveDecorator("p.m", "torch.compile"), files, {"p/m.py": after})


@pytest.mark.parametrize(("before", "after"), [pytest.param(*sources, id=name) for name, *sources in CHANGES])
def test_deleting_takes_out_the_lines_that_commenting_marks(before: str, after: str) -> None:
    lines = zip(before.splitlines(), after.splitlines(), strict=True)
    deleted = "".join(f"{old}\n" for old, new in lines if old == new)
    codemod = RemoveDecorator("p.m", "torch.compile", style="delete")
    assert_codemod(codemod, {"p/m.py": before, "p/other.py": before}, {"p/m.py": deleted})


@pytest.mark.parametrize("source", [pytest.param(body, id=name) for name, _, body in cases_in("decorator_keeps.txt")])
def test_other_decorators_stay(source: str) -> None:
    assert kept(source).finding is Finding.ABSENT


@pytest.mark.parametrize(
    ("within", "lines"),
    [
        (None, [3, 5, 9, 12, 16, 22, 27]),
        ("f", [3, 5]),
        ("f.inner", [5]),
        ("Norm", [9, 12, 16]),
        ("Norm.forward", [9]),
        ("Norm.Inner", [16]),
        ("Late", [22, 27]),
        ("Late.K", [27]),
    ],
)
def test_within_limits_the_matches_to_a_qualified_name(within: str | None, lines: list[int]) -> None:
    """All matches are handled, and the account names each."""
    after = removed(NESTED, within=within).decode().splitlines()
    assert [number for number, line in enumerate(after, 1) if line.strip() == "# @torch.compile"] == lines
    assert len(after) == len(NESTED.splitlines())
    rewrite = RemoveDecorator("p.m", "torch.compile", within=within).apply(tree_of({"p/m.py": NESTED}))
    assert [f"(line {line})" in rewrite.detail for line in lines] == [True] * len(lines)
    assert rewrite.detail.count("(line ") == len(lines)


def test_within_a_name_that_does_not_exist_is_gone() -> None:
    rewrite = kept(NESTED, within="Norm.backward")
    assert (rewrite.finding, rewrite.detail) == (Finding.GONE, "p/m.py has no Norm.backward")
    assert kept(NESTED.replace("@torch.compile", "@property"), within="Norm").finding is Finding.OTHERWISE


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("    # @torch.compile(dynamic=True)\n", Finding.ALREADY_APPLIED),
        ("    #@torch.compile(dynamic=True, backend=get_compiler_backend())\n", Finding.ALREADY_APPLIED),
        ("    # @torch.compile(\n    #     dynamic=True,\n    # )\n", Finding.ALREADY_APPLIED),
        ("    # @torch.compile\n    @staticmethod\n    # a word\n", Finding.ALREADY_APPLIED),
        ("    @staticmethod\n    # @torch.compile\n", Finding.ALREADY_APPLIED),
        ("    # a word\n    # @torch.compile\n", Finding.ALREADY_APPLIED),
        ("    # @torch.jit.script\n", Finding.ABSENT),
        ("    # @torch.compile would be wrong here\n", Finding.ABSENT),
        ("    # torch.compile\n", Finding.ABSENT),
        ("# @torch.compile\n\n", Finding.ABSENT),
        ("# @torch.compile\n", Finding.OTHERWISE),
        ("", Finding.ABSENT),
    ],
)
def test_a_decorator_in_a_comment_is_already_applied(comment: str, expected: Finding) -> None:
    """Ours, and the form that MiniMax-M2's instructions show, which has no space behind the `#`."""
    source = f"import torch\n\nclass Norm:\n{comment}    def forward(self): ...\n"
    assert kept(source).finding is expected
    within = Finding.OTHERWISE if expected is Finding.ABSENT else expected
    assert kept(source, within="Norm").finding is within


def test_the_module_may_be_a_packages_init_or_missing() -> None:
    assert removed("import torch\n@torch.compile\ndef f(): ...\n", path="p/m/__init__.py").startswith(
        b"import torch\n# @"
    )
    rewrite = RemoveDecorator("p.m", "torch.compile").apply(tree_of({"p/n.py": ""}))
    assert (rewrite.finding, rewrite.detail) == (Finding.GONE, "the module p.m does not exist")


def test_a_symbolic_link_is_a_conflict() -> None:
    rewrite = RemoveDecorator("p.m", "torch.compile").apply(tree_of({}, links={"p/m.py": "n.py"}))
    assert (rewrite.finding, rewrite.detail) == (Finding.CONFLICT, "p/m.py is a symbolic link")


def test_relative_imports_resolve_to_the_decorators_own_module() -> None:
    source = "from .tools import fast\nfrom . import tools as t\n\n@fast\n@t.fast(1)\n@t.slow\ndef f(): ...\n"
    after = source.replace("@fast", "# @fast").replace("@t.fast", "# @t.fast")
    assert_codemod(RemoveDecorator("p.m", "p.tools.fast"), {"p/m.py": source}, {"p/m.py": after})


def test_builtins_and_the_modules_own_decorators_have_names_too() -> None:
    source = "def own(f): return f\n\n@own\ndef f(): ...\n\nclass K:\n    @property\n    def g(self): ...\n"
    for name, used in (("p.m.own", "@own"), ("property", "@property")):
        after = source.replace(used, f"# {used}")
        assert_codemod(RemoveDecorator("p.m", name), {"p/m.py": source}, {"p/m.py": after})


def test_a_module_that_does_not_parse_stops_with_its_place() -> None:
    with pytest.raises(PatchError, match=r"^p/m\.py:2:\d+ does not parse"):
        kept("import torch\n@torch.compile(\ndef f(): ...\n")


def test_wrong_parameters_are_refused() -> None:
    with pytest.raises(UsageError, match="'torch compile' is not a dotted Python name"):
        RemoveDecorator("p.m", "torch compile")
    with pytest.raises(UsageError, match=r"'f\(\)' is not a dotted Python name"):
        RemoveDecorator("p.m", "torch.compile", within="f()")
    with pytest.raises(UsageError, match="the style 'hide' is neither"):
        RemoveDecorator("p.m", "torch.compile", style="hide")  # type: ignore[arg-type]
