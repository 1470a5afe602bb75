"""Text and whole files: replaced, added and deleted exactly, or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.errors import UsageError
from m2build.patches import Codemod, Finding, SourceFile, SourceTree, changed_tree
from m2build.patches.codemods.files import AddFile, DeleteFile, ReplaceFile
from m2build.patches.codemods.replace_text import ReplaceText
from m2build.testing import assert_codemod

OLD, NEW = b'{"limit": 16}\n', b'{"limit": 64}\n'


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


ADD = AddFile("limits.json", sha256(NEW), "app/new/limits.json", content=NEW)
REPLACE = ReplaceFile("limits.json", sha256(NEW), "app/limits.json", (sha256(b""), sha256(OLD)), content=NEW)
DELETE = DeleteFile("app/limits.json", (sha256(OLD),))


def text(old: str, new: str, count: int = 1) -> ReplaceText:
    return ReplaceText("app/a.py", old, new, count)


@pytest.mark.parametrize(
    ("codemod", "before", "after"),
    [
        (ADD, {"app/a.py": ""}, {"app/new/limits.json": NEW}),
        (REPLACE, {"app/limits.json": OLD}, {"app/limits.json": NEW}),
        (REPLACE, {"app/limits.json": SourceFile.of(OLD, 0o755)}, {"app/limits.json": SourceFile.of(NEW, 0o755)}),
        (DELETE, {"app/limits.json": OLD, "app/a.py": ""}, {"app/limits.json": None}),
        (text("x = 1\ny", "x = 2\ny"), {"app/a.py": "x = 1\ny = 1\n"}, {"app/a.py": "x = 2\ny = 1\n"}),
        (text("x", "xx"), {"app/a.py": "a = x\n"}, {"app/a.py": "a = xx\n"}),
        (text("1", "2", 3), {"app/a.py": "1 + 1 + 1\n"}, {"app/a.py": "2 + 2 + 2\n"}),
        (text("é", "è"), {"app/a.py": "a = 'é'\n"}, {"app/a.py": "a = 'è'\n"}),
    ],
)
def test_what_they_change(
    codemod: Codemod, before: Mapping[str, bytes | str], after: Mapping[str, bytes | str | None]
) -> None:
    assert_codemod(codemod, before, after)


@pytest.mark.parametrize(
    ("codemod", "files", "finding", "detail"),
    [
        (ADD, {"app/new/limits.json": NEW}, "already-applied", "exists already, with this content"),
        (ADD, {"app/new/limits.json": SourceFile.of(NEW, 0o755)}, "conflict", f"exists: its SHA-256 is {sha256(NEW)}"),
        (ADD, {"app/new/limits.json": OLD}, "conflict", f"exists: its SHA-256 is {sha256(OLD)}, its mode 0644"),
        (ADD, {"app/new": ""}, "conflict", "app/new is a file, and not a folder"),
        (ADD, {"app/new/limits.json/x": ""}, "conflict", "app/new/limits.json is a folder"),
        (REPLACE, {"app/limits.json": NEW}, "already-applied", "has this content already"),
        (REPLACE, {"app/limits.json": b"other"}, "conflict", f"its SHA-256 is {sha256(b'other')}"),
        (REPLACE, {"app/a.py": ""}, "absent", "app/limits.json does not exist"),
        (DELETE, {"app/a.py": ""}, "already-applied", "app/limits.json does not exist"),
        (DELETE, {"b/a.py": ""}, "absent", "the folder app does not exist"),
        (DELETE, {"app/limits.json": NEW}, "conflict", "is not a file to delete"),
        (text("x", "y"), {"app/a.py": "y"}, "already-applied", "holds 'y' already"),
        (text("x", "y"), {"app/a.py": "z"}, "conflict", "'x' is in app/a.py 0 times, expected 1"),
        (text("x", ""), {"app/a.py": "z"}, "conflict", "0 times, expected 1"),
        (text("x", "y"), {"app/a.py": "x x"}, "conflict", "2 times, expected 1"),
        (text("x", "xx", 2), {"app/a.py": "x xx"}, "conflict", "1 times, and replaced already 2 times, expected 2"),
        (text("ab", "b"), {"app/a.py": "aab"}, "conflict", "would hold 'ab' again after the replacement"),
        (text("x", "y"), {"app/a.py": b"x\xe9"}, "conflict", "is not UTF-8 text"),
        (text("x", "y"), {"app/b.py": "x"}, "absent", "app/a.py does not exist"),
    ],
)
def test_what_they_leave_alone(
    codemod: Codemod, files: Mapping[str, bytes | str | SourceFile], finding: str, detail: str
) -> None:
    found = codemod.apply(SourceTree.of(files))
    assert (str(found.finding), found.changes) == (finding, ())
    assert detail in found.detail


@pytest.mark.parametrize("codemod", [ADD, REPLACE, DELETE, ReplaceText("app/limits.json", "16", "64")])
@pytest.mark.parametrize("link", ["app", "{path}"])
def test_nothing_is_changed_through_a_link(codemod: Codemod, link: str) -> None:
    path: str = getattr(codemod, "path")  # noqa: B009 - not in the protocol
    found = codemod.apply(SourceTree({}, origin="test", links={link.format(path=path): "elsewhere"}))
    assert found.finding is Finding.CONFLICT
    assert "is a symbolic link" in found.detail


def test_a_folder_with_links_only_is_in_the_way_of_a_file() -> None:
    tree = SourceTree({}, origin="test", links={f"{ADD.path}/link": "elsewhere"})
    assert f"{ADD.path} is a folder" in ADD.apply(tree).detail


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("../a.py", "x", "y"), "'../a.py' is not a path in a source tree"),
        (("/etc/passwd", "x", "y"), "'/etc/passwd' is not a path in a source tree"),
        (("a/.git/config", "x", "y"), "is in a folder that holds no sources"),
        (("a.py", "", "y"), "the text to replace is empty"),
        (("a.py", "x", "x"), "the text would replace itself"),
        (("a.py", "x", "y", 0), "the count 0 is below 1"),
        (("a.py", "x", "\ud800"), "is not UTF-8 text"),
    ],
)
def test_replacements_that_make_no_sense(arguments: tuple[str, str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ReplaceText(*arguments)


def test_files_and_digests_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="the mode '0888' is not three octal digits"):
        AddFile("x", sha256(b""), "app/x", "0888", content=b"")
    with pytest.raises(UsageError, match=f"x is not the file that the series pins: its SHA-256 is {sha256(b'1')}"):
        AddFile("x", sha256(b""), "app/x", content=b"1")
    with pytest.raises(UsageError, match="the content of x is missing"):
        AddFile("x", sha256(b""), "app/x").apply(SourceTree.of({}))
    with pytest.raises(UsageError, match="'abc' is not a SHA-256"):
        DeleteFile("app/x", ("abc",))
    with pytest.raises(UsageError, match="no pre-images are named"):
        DeleteFile("app/x", ())


ENDS = st.sampled_from(["\n", "\r\n"])
WORDS = st.text(st.sampled_from("ab\n"), max_size=3)


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.sampled_from("ab\n"), max_size=8),
    WORDS.filter(bool),
    WORDS,
    st.integers(1, 3),
    ENDS,
)
def test_a_replacement_is_str_replace_once_and_nothing_twice(
    content: str, old: str, new: str, count: int, end: str
) -> None:
    if old == new:
        return

    def form(part: str) -> str:
        return part.replace("\n", end)

    codemod = text(old, new, count)
    tree = SourceTree.of({"app/a.py": form(f"{content}c\n")})
    found = codemod.apply(tree)
    if found.finding is not Finding.CHANGED:
        return
    after = changed_tree(tree, found.changes)
    assert after["app/a.py"].content.decode() == form(f"{content}c\n").replace(form(old), form(new))
    again = codemod.apply(after)
    assert again.finding is (Finding.ALREADY_APPLIED if new else Finding.CONFLICT)
