"""Checks of a codemod by itself."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.patches import (
    Codemod,
    Finding,
    Outcome,
    Patch,
    PatchResult,
    Series,
    SourceFile,
    SourceTree,
    apply_series,
    changed_tree,
)
from m2build.testing.trees import (
    Content,
    after_tree,
    before_tree,
    check_compiles,
    check_equal,
    difference,
    is_python,
    message,
)

_OUTCOMES = {
    Finding.ALREADY_APPLIED: Outcome.ALREADY_APPLIED,
    Finding.ABSENT: Outcome.TARGET_GONE,
    Finding.OTHERWISE: Outcome.DONE_OTHERWISE,
    Finding.GONE: Outcome.TARGET_GONE,
    Finding.CONFLICT: Outcome.CONFLICT,
}
"""The outcomes of the findings in a patch that leaves `when_absent` and `accept` as they are."""


@typed_arguments
def assert_codemod(
    codemod: Codemod,
    before: Mapping[str, Content],
    after: Mapping[str, Content | None],
    *,
    mentions: Sequence[str] | None = None,
) -> PatchResult:
    """Check what a codemod does to a tree: this, once, and nothing else.

    It runs as the only patch of a series, so that it must do what a series requires. This checks that

    - the tree afterwards is `before` with the files of `after`, to the byte and with the same modes;
    - every Python file that changes compiles;
    - a second run changes nothing;
    - all of this holds as well where the Python files have Windows line ends, a byte order mark, or the mode 0o755.

    Args:
        codemod: the codemod, a value of a frozen dataclass.
        before: the tree: path -> content.
        after: the files that differ afterwards: path -> content, or None for a path that is gone.
        mentions: the mentions, in order, as `str(mention)` gives them; None to let any pass.

    Returns:
        What the codemod did to the tree as given.

    Raises:
        AssertionError: one of these does not hold.
        UsageError: it is not a codemod that a series takes.
        PatchError: it raises something, or changes what is not in the tree.
    """
    tree = before_tree(before)
    expected = after_tree(tree, after)
    result = _changed(codemod, tree, expected, "")
    if mentions is not None and (found := difference("mentions", list(mentions), list(map(str, result.mentions)))):
        raise AssertionError(message(f"{codemod!r} gives different mentions", found))
    for where, form in _FORMS.items():
        _changed(codemod, _formed(tree, form), _formed(expected, form), f", with {where}")
    return result


@typed_arguments
def assert_unchanged(
    codemod: Codemod,
    before: Mapping[str, Content],
    finding: Literal[Finding.ALREADY_APPLIED, Finding.ABSENT, Finding.GONE, Finding.CONFLICT] = Finding.ABSENT,
) -> PatchResult:
    """Check that a codemod changes nothing, and that it gives this reason.

    Args:
        codemod: the codemod, a value of a frozen dataclass.
        before: the tree: path -> content.
        finding: what the codemod has to find.

    Raises:
        AssertionError: it changes something, or finds something else.
        UsageError: it is not a codemod that a series takes, or the finding is a change.
        PatchError: it raises something.

    Example:
        >>> from m2build.patches import RenameModule
        >>> assert_unchanged(RenameModule("app.old", "app.new"), {"app/__init__.py": ""}).detail
        'neither app.old nor app.new exists'
    """
    if finding not in _OUTCOMES:
        raise UsageError(f"{finding} is not a reason to change nothing", hint=f"one of: {', '.join(_OUTCOMES)}")
    result = _run(codemod, before_tree(before))
    _check_outcome(codemod, result, _OUTCOMES[finding], "")
    return result


def _changed(codemod: Codemod, tree: SourceTree, expected: SourceTree, where: str) -> PatchResult:
    """Check that a codemod makes this change, and all of it."""
    result = _run(codemod, tree)
    _check_outcome(codemod, result, Outcome.APPLIED, where)
    after = changed_tree(tree, result.changes)
    check_equal(after, expected, f"{codemod!r} gives a different tree{where}")
    check_compiles(result.changes)
    again = _run(codemod, after)
    if again.changes:
        check_equal(changed_tree(after, again.changes), after, f"{codemod!r} changes its own result{where}")
    if again.outcome not in (Outcome.ALREADY_APPLIED, Outcome.TARGET_GONE):
        raise AssertionError(f"{codemod!r} ends with {again.outcome} when it is run again{where}: {again.detail}")
    return result


def _run(codemod: Codemod, tree: SourceTree) -> PatchResult:
    patch = Patch.of(
        codemod, id="tested", summary="The codemod", why="It is tested.", author="m2build.testing",
        last_update="2026-11-27",
    )  # fmt: skip
    series = Series.of(patch, id="tested", summary="The codemod", distribution="tested")
    (result,) = apply_series(series, tree).results
    return result


def _check_outcome(codemod: Codemod, result: PatchResult, expected: Outcome, where: str) -> None:
    if result.outcome is not expected:
        raise AssertionError(f"{codemod!r} ends with {result.outcome}, not {expected}{where}: {result.detail}")


def _formed(tree: SourceTree, form: Callable[[SourceFile], SourceFile]) -> SourceTree:
    return tree.replaced({path: form(file) for path, file in tree.items() if is_python(path)})


def _windows(file: SourceFile) -> SourceFile:
    content = file.content if b"\r" in file.content else file.content.replace(b"\n", b"\r\n")
    return SourceFile.of(content, file.mode)


def _marked(file: SourceFile) -> SourceFile:
    """With a byte order mark, unless the file declares an encoding, which the mark would contradict (PEP 263)."""
    declares = any(b"coding" in line for line in file.content.splitlines()[:2])
    return file if declares else SourceFile.of(codecs.BOM_UTF8 + file.content.removeprefix(codecs.BOM_UTF8), file.mode)


def _executable(file: SourceFile) -> SourceFile:
    return SourceFile.of(file.content, 0o755)


_FORMS: dict[str, Callable[[SourceFile], SourceFile]] = {
    "Windows line ends": _windows,
    "a byte order mark": _marked,
    "the mode 0755": _executable,
}
"""Forms that a file keeps through a change."""
