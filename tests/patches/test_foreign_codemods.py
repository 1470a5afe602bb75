"""Codemods written for libcst run in a series: on which files, with which arguments, and with which results."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from helpers.patches.trees import Content, changed, contents, text, tree_of
from helpers.support import sampled
from libcst.codemod import CodemodCommand

from m2build.errors import PatchError, UsageError
from m2build.patches.change import Finding, MentionKind
from m2build.patches.foreign.arguments import constructor_arguments
from m2build.patches.foreign.codemod import LibcstCodemod
from m2build.patches.foreign.load import load_libcst_codemod


def theirs(name: str, *files: str, spelling: str | None = None, **arguments: Any) -> LibcstCodemod:
    return LibcstCodemod(f"their_codemods.{name}", files or ("**",), spelling, arguments, ("their_codemods",))


JOIN = "import os\n\nv = os.path.join('a')\n"
JOINED = "import posixpath\n\nv = posixpath.join('a')\n"


def test_a_transformer_gets_metadata_and_its_imports() -> None:
    after, rewrite = changed(theirs("PosixPath"), tree_of({"a.py": JOIN, "b.py": "import os\nos.getcwd()\n"}))
    assert text(after, "a.py") == JOINED
    assert text(after, "b.py") == "import os\nos.getcwd()\n"
    assert rewrite.detail == "1 file changed by their_codemods.PosixPath"
    assert rewrite.proof is not None
    assert (rewrite.proof.method, rewrite.proof.found, rewrite.proof.found_again) == ("run", 1, 0)
    assert theirs("PosixPath").apply(after).finding is Finding.ABSENT


def test_only_the_files_that_are_named_and_hold_the_word_are_looked_at() -> None:
    files: dict[str, Content] = {
        "p/a.py": "old = 1\n", "p/q/a.py": "old = 1\n", "p/older.py": "older = 1\n", "b.py": "old = 1\n",
        "p/a.pyi": "old: int\n", "p/notes.txt": "old = 1\n", "p/broken.py": "(\n",
    }  # fmt: skip
    after, rewrite = changed(theirs("Shout", "p/**", spelling="old", word="old", quiet=True), tree_of(files))
    assert [change.path for change in rewrite.changes] == ["p/a.py", "p/a.pyi", "p/q/a.py"]
    assert contents(after) == {
        path: content.replace(b"old", b"OLD") if path in {"p/a.py", "p/a.pyi", "p/q/a.py"} else content
        for path, content in contents(tree_of(files)).items()
    }
    with pytest.raises(PatchError, match=r"^p/broken\.py:1:1 does not parse"):
        theirs("Shout", "p/**", word="old").apply(tree_of(files))


def test_warnings_are_mentions_of_their_own_kind_and_contexts_name_the_module() -> None:
    tree = tree_of({"p/__init__.py": "old = 1\n", "p/m.py": "old = 1\n", "p/n.py": "old = 'skip me'\n"})
    _, rewrite = changed(theirs("Shout", word="old"), tree)
    assert [(item.kind, item.path, item.line, item.text) for item in rewrite.mentions] == [
        (MentionKind.WARNING, "p/__init__.py", None, "p (p, p/__init__.py) loud"),
        (MentionKind.WARNING, "p/m.py", None, "p.m (p, p/m.py) loud"),
    ]
    assert [str(item) for item in rewrite.mentions][1] == "warning: p/m.py: p.m (p, p/m.py) loud"
    assert [change.path for change in rewrite.changes] == ["p/__init__.py", "p/m.py"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "OLD = new = 1\n"),
        ({"style": "title"}, "Old = new = 1\n"),
        ({"times": 2}, "OLD_OLD = new = 1\n"),
        ({"times": "2"}, "OLD_OLD = new = 1\n"),
        ({"also": ["new"]}, "OLD = NEW = 1\n"),
    ],
)
def test_arguments_default_as_in_the_tool(arguments: Mapping[str, Any], expected: str) -> None:
    after, _ = changed(theirs("Shout", word="old", quiet=True, **arguments), tree_of({"a.py": "old = new = 1\n"}))
    assert text(after, "a.py") == expected


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Shout", {}, "the argument 'word' is missing"),
        ("Shout", {"word": "x", "time": 2}, "unknown argument 'time'; did you mean 'times'?"),
        ("Shout", {"word": "x", "style": "loud"}, "the argument 'style' is 'loud', which is not one of: upper, title"),
        ("Shout", {"word": "x", "quiet": "yes"}, "the argument 'quiet' is 'yes', which is neither true nor false"),
        ("Shout", {"word": "x", "times": "two"}, "the argument 'times' is 'two', which does not fit: invalid literal"),
        ("Raising", {}, "Raising cannot be made with these arguments: missing a required argument: 'what'"),
        ("Growing", {"context": None}, "unknown argument 'context'"),
        ("PosixPaths", {}, "their_codemods has no 'PosixPaths'; did you mean 'PosixPath'?"),
        ("Plain", {}, "their_codemods.Plain is not a libcst codemod that can be run"),
        (
            "Global",
            {},
            "their_codemods.Global needs libcst's FullyQualifiedNameProvider, which reads a whole repository",
        ),
    ],
)
def test_what_cannot_be_made_is_refused(name: str, arguments: Mapping[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        theirs(name, **arguments)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, []),
        ({"rest": ["a"]}, ["a"]),
        ({"number": 2}, ["--number", "2"]),
        ({"number": "2"}, ["--number", "2"]),
        ({"share": 1}, ["--share", "1"]),
        ({"off": False}, ["--off"]),
        ({"both": True}, ["--both"]),
        ({"both": False}, ["--no-both"]),
        ({"level": 2}, ["--level", "--level"]),
        ({"constant": "c"}, ["--constant"]),
        ({"some": ["a", "b"]}, ["--some", "a", "b"]),
        ({"pair": [1, "2"]}, ["--pair", "1", "2"]),
        ({"each": ["a", "b"]}, ["--each", "a", "--each", "b"]),
        ({"pairs": [["a", "b"]]}, ["--pairs", "a", "b"]),
        ({"more": [1, 2]}, ["--more", "1", "2"]),
        ({"that": "a"}, ["--that", "a"]),
    ],
)
def test_arguments_are_what_argparse_gives_for_such_options(arguments: Mapping[str, Any], words: list[str]) -> None:
    parser = argparse.ArgumentParser()
    codemod = load_libcst_codemod("their_codemods.Optioned", ("their_codemods",))
    assert issubclass(codemod, CodemodCommand)
    codemod.add_args(parser)
    assert constructor_arguments(codemod, arguments) == vars(parser.parse_args(words))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": 3}, "the argument 'text' is 3, expected a text"),
        ({"text": None}, "the argument 'text' is None, expected a text"),
        ({"number": True}, "the argument 'number' is True, expected a whole number"),
        ({"number": [1]}, "the argument 'number' is [1], expected a whole number"),
        ({"share": "x"}, "the argument 'share' is 'x', which does not fit: could not convert"),
        ({"both": "yes"}, "the argument 'both' is 'yes', which is neither true nor false"),
        ({"level": True}, "the argument 'level' is True, expected a whole number"),
        ({"constant": "d"}, "the argument 'constant' is 'd', expected 'c'"),
        ({"some": "a"}, "the argument 'some' is 'a', expected a list"),
        ({"some": []}, "the argument 'some' is [], expected a list of at least one"),
        ({"pair": [1]}, "the argument 'pair' is [1], expected a list of 2"),
        ({"each": "a"}, "the argument 'each' is 'a', expected a list"),
        ({"pairs": [["a"]]}, "the argument 'pairs' is ['a'], expected a list of 2"),
        ({"more": ["x"]}, "the argument 'more' is 'x', which does not fit: invalid literal"),
        ({"this": "a", "that": "b"}, "the arguments 'this' and 'that' exclude each other"),
    ],
)
def test_arguments_that_argparse_could_not_give_are_refused(arguments: Mapping[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}"):
        theirs("Optioned", **arguments)


def test_what_add_args_raises_is_reported_with_codemod_and_origin() -> None:
    expected = "^the codemod their_codemods.Refusing of the module their_codemods raised SystemExit in add_args: 2$"
    with pytest.raises(PatchError, match=expected):
        theirs("Refusing")


def test_a_result_that_is_no_module_is_reported() -> None:
    with pytest.raises(PatchError, match=r"raised TypeError: it returned NoneType, not a libcst Module$"):
        theirs("Returning").apply(tree_of({"a.py": ""}))


def test_one_that_takes_anything_is_given_anything() -> None:
    assert theirs("Anything", one=1, two=[2]).apply(tree_of({"a.py": ""})).finding is Finding.ABSENT


@pytest.mark.parametrize(
    ("allow", "message"),
    [
        ((), "their_codemods.Plain is not imported, because the series does not allow it"),
        (("their",), "is not imported"),
        (("their_codemods.more",), "is not imported"),
        (("libcst",), "is not imported"),
    ],
)
def test_only_what_is_allowed_is_imported(
    allow: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "their_codemods", raising=False)
    with pytest.raises(UsageError, match=message) as raised:
        LibcstCodemod("their_codemods.Plain", ("**",), allow=allow)
    assert f"codemods: {{allow: [{', '.join([*allow, 'their_codemods'])}]}}" in str(raised.value.hint)
    assert "their_codemods" not in sys.modules


def test_a_part_of_a_package_may_be_allowed_alone() -> None:
    LibcstCodemod("libcst.codemod.commands.noop.NOOPCommand", ("**",), allow=("libcst.codemod.commands",))
    with pytest.raises(UsageError, match="is not imported"):
        LibcstCodemod("libcst.codemod.visitors.AddImportsVisitor", ("**",), allow=("libcst.codemod.commands",))


@pytest.mark.parametrize("what", ["error", "exit", "base"])
def test_what_it_raises_is_reported_with_file_codemod_and_origin(what: str) -> None:
    with pytest.raises(PatchError) as raised:
        theirs("Raising", what=what).apply(tree_of({"p/a.py": ""}))
    assert str(raised.value).startswith(
        "p/a.py: the codemod their_codemods.Raising of the module their_codemods raised "
    )
    assert "on purpose" in str(raised.value)
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Growing", "p/a.py: their_codemods.Growing changes its own result when it is run again"),
        ("Breaking", "the result of their_codemods.Breaking is not Python: p/a.py:1:6 does not parse"),
    ],
)
def test_a_result_that_does_not_hold_is_a_conflict(name: str, message: str) -> None:
    rewrite = theirs(name).apply(tree_of({"p/a.py": "x = 1\n"}))
    assert (rewrite.finding, rewrite.changes) == (Finding.CONFLICT, ())
    assert message in rewrite.detail


def test_a_link_that_is_named_is_a_conflict() -> None:
    tree = tree_of({"p/b.py": JOIN}, links={"p/a.py": "b.py"})
    rewrite = theirs("PosixPath", "p/a.py").apply(tree)
    assert (rewrite.finding, rewrite.detail) == (Finding.CONFLICT, "p/a.py is a symbolic link")
    changed(theirs("PosixPath", "p/*.py"), tree)


@pytest.mark.parametrize("newline", sampled(["\n", "\r\n", "\r"], every=3))
@pytest.mark.parametrize(
    ("head", "tail"),
    [(b"", b""), (b"\xef\xbb\xbf", b""), (b"\x0c", b""), (b"# coding: latin-1\n# \xe9\n", b"# \xe9"), (b"", b"\r")],
    ids=["plain", "byte order mark", "form feed", "latin-1", "final carriage return"],
)
def test_every_other_byte_stays(head: bytes, tail: bytes, newline: str) -> None:
    before, after = ((head + source.encode()).replace(b"\n", newline.encode()) + tail for source in (JOIN, JOINED))
    result, _ = changed(theirs("PosixPath"), tree_of({"a.py": before}))
    assert result["a.py"].content == after


UNREADABLE = "if os:\n  \\\n  x = 1\n"


def test_what_libcst_cannot_parse_is_a_conflict_even_if_nothing_would_change() -> None:
    """Only libcst could decide whether the codemod would change it."""
    rewrite = theirs("PosixPath").apply(tree_of({"a.py": JOIN, "b.py": UNREADABLE}))
    assert rewrite.finding is Finding.CONFLICT
    assert rewrite.detail.startswith("b.py:1: libcst cannot parse")
    changed(theirs("PosixPath", spelling="join"), tree_of({"a.py": JOIN, "b.py": UNREADABLE}))


def test_what_is_nested_too_deeply_is_refused_with_its_path() -> None:
    deep = "x = " + " + ".join(["1"] * 50_000) + "\n"
    with pytest.raises(PatchError, match=r"^a\.py"):
        theirs("PosixPath").apply(tree_of({"a.py": deep}))
