"""Diffs that are not taken: one sentence with file and line, before anything is looked at."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from helpers.patches.judges import accepts
from helpers.patches.trees import write

from m2build.errors import UsageError
from m2build.patches.change import Finding
from m2build.patches.codemods.unified_diff import UnifiedDiff
from m2build.patches.tree import SourceTree

EDIT = "--- a/app.py\n+++ b/app.py\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n"
GIT = "diff --git a/app.py b/app.py\n"


def refused(diff: str | bytes, **parameters: str | int | tuple[str, ...]) -> UsageError:
    content = diff.encode() if isinstance(diff, str) else diff
    with pytest.raises(UsageError) as caught:
        UnifiedDiff.of(content, file="fix.patch", **parameters)  # type: ignore[arg-type]  # of several types
    return caught.value


@pytest.mark.parametrize(
    ("diff", "message"),
    [
        ("", "fix.patch:1: the diff is empty"),
        (" \n\n", "fix.patch:1: the diff is empty"),
        ("Just prose.\n", "fix.patch:1: no unified diff is in it"),
        ("<!DOCTYPE html>\n<title>Sign in</title>\n", "fix.patch:1: this is a page of a website (HTML), not a diff"),
        ("\ufeff  <html>" + EDIT, "fix.patch:1: this is a page of a website (HTML), not a diff"),
        (EDIT.encode("utf-16"), "fix.patch:1: the diff is in UTF-16"),
        ("*** a/x\n--- b/x\n***************\n", "fix.patch:1: this is a context diff"),
        (EDIT.encode("utf-16-le"), "fix.patch:1: the diff is in UTF-16"),
        (EDIT + "diff -er a/x b/x\n2c\nB\n.\n", "fix.patch:9: this is an ed script"),
        ("2,3c2\n< a\n< b\n---\n> c\n", "fix.patch:1: this is a diff without file names and lines around it"),
        (
            "Content-transfer-encoding: base64\n\nLS0t\n",
            "fix.patch:1: this mail is encoded, and the lines of its diff are not those of the file",
        ),
        ("\x1b[1mdiff --git a/x b/x\x1b[m\n", "fix.patch:1: this diff has colours in it, for a terminal"),
        ("diff --cc x\nindex 1,2..3\n", "fix.patch:1: this is the diff of a merge with several parents"),
        ("@@@ -1,2 -1,2 +1,3 @@@\n", "fix.patch:1: this is the diff of a merge with several parents"),
        ("@@ -1 +1 @@\n-a\n+b\n", "fix.patch:1: this hunk is of no file: there is no header before it"),
    ],
)
def test_what_is_no_unified_diff(diff: str | bytes, message: str) -> None:
    assert str(refused(diff)) == message


@pytest.mark.parametrize(
    ("diff", "message"),
    [
        (EDIT[:-3], "fix.patch:3: the hunk is to have 3 lines before and 3 after it, and ends at line 7 with 2 and 2"),
        (EDIT[:-1], "fix.patch:3: the hunk is to have 3 lines before and 3 after it, and ends at line 7 with 2 and 2"),
        (EDIT.replace("-1,3", "-1,4"), "fix.patch:3: the hunk is to have 4 lines before and 3 after it, and ends at "),
        (EDIT.replace("-1,3", "-1,2"), "fix.patch:3: the hunk is to have 2 lines before and 3 after it, and ends at "),
        (EDIT.replace("-1,3 +1,3", "-1,2 +1,2"), "fix.patch:3: the hunk ends before line 7 by its header, which goes "),
        (EDIT + " e\n", "fix.patch:3: the hunk ends before line 8 by its header, which goes on like a part of it"),
        (EDIT + "\n+e\n", "fix.patch:3: the hunk ends before line 9 by its header, which goes on like a part of it"),
        (EDIT.replace("+c", "c"), "fix.patch:3: the hunk is to have 3 lines before and 3 after it, and ends at line 6"),
        (EDIT.replace("@@ -1,3 +1,3 @@", "@@ -1,3 @@"), "fix.patch:3: a hunk's header is malformed"),
        (EDIT.replace("-b\n+c\n", " b\n"), "fix.patch:3: this hunk changes nothing"),
        (EDIT + EDIT[26:], "fix.patch:8: this hunk begins before the end of the one above it"),
        (EDIT.replace(" a\n", " a\n\\ No newline at end of file\n"), "fix.patch:3: a line follows the one that "),
        (EDIT.replace("-b", "\\ x\n-b"), "fix.patch:5: this line means nothing in a hunk"),
        ("--- a/app.py\n+++ b/app.py\n", "fix.patch:1: no hunk follows the names of the file"),
        (EDIT + "--- a/b.py\n+++ b/b.py\n", "fix.patch:8: no hunk follows the names of the file"),
        (GIT + EDIT[:26], "fix.patch:1: no hunk follows the names of the file"),
        (GIT + "index 123456..654321 100644\n", "fix.patch:1: the content changes by the header, and no hunk follows"),
        (GIT + "new file mode 100644\nindex 0000000..654321\n", "fix.patch:1: the content changes by the header"),
        (GIT + "old mode 100644\n", "fix.patch:1: the header changes nothing, and no hunk follows"),
        (GIT + "index 1..2 100644\n" + EDIT + GIT, "fix.patch:10: nothing follows this line of a header"),
        (GIT + "rename from app.py\n", "fix.patch:1: the header does not say which file it is for"),
        (GIT + "new file mode 1006\n", "fix.patch:2: this is not a file's mode, such as 100644"),
    ],
)  # fmt: skip
def test_truncated_and_edited_diffs(diff: str, message: str) -> None:
    assert str(refused(diff)).startswith(message)


@pytest.mark.parametrize(
    ("diff", "message"),
    [
        (GIT + "deleted file mode 100644\nnew file mode 100644\n", "fix.patch:1: the header says of one file: create "),
        (GIT + "new file mode 100644\n" + EDIT, "fix.patch:1: the old name does not fit the header: is the file there"),
        (GIT + EDIT.replace("b/app", "b/other"), "fix.patch:1: the header names two files, app.py and other.py, and "),
        ("diff --git a/x b/y\nrename from x\nrename to z\n" + EDIT, "fix.patch:1: the old name is x in the header, "),
        (
            EDIT.replace("a/app.py", "/dev/null"),
            "fix.patch:3: app.py is a new file, and this hunk has lines of another",
        ),
        (EDIT.replace("b/app.py", "/dev/null"), "fix.patch:3: app.py is a deleted file, and this hunk has lines of an"),
        (
            "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n@@ -0,0 +2 @@\n+b\n",
            "fix.patch:5: a file is created or deleted in one hunk, and this is a second one",
        ),
    ],
)
def test_diffs_that_contradict_themselves(diff: str, message: str) -> None:
    assert str(refused(diff)).startswith(message)


@pytest.mark.parametrize(
    ("diff", "message"),
    [
        (GIT + "index 1234..4321 100644\nGIT binary patch\nliteral 3\nKc$@-\n\n", "fix.patch:1: app.py is binary"),
        (GIT + "index 1234..4321\nBinary files a/app.py and b/app.py differ\n", "fix.patch:1: app.py is binary"),
        ("Binary files old/app.py and new/app.py differ\n" + EDIT, "fix.patch:1: app.py is binary"),
        (GIT + "new file mode 120000\nindex 0000..1234\n", "fix.patch:1: app.py is a symbolic link"),
        (GIT + "index 1234..4321 120000\n" + EDIT, "fix.patch:1: app.py is a symbolic link"),
        (GIT + "index 1234..4321 160000\n" + EDIT, "fix.patch:1: app.py is a submodule"),
    ],
)
def test_files_that_are_no_text_are_refused_by_name_unless_they_are_excluded(diff: str, message: str) -> None:
    assert str(refused(diff)) == f"{message}, and a diff can change text files only"
    assert "all files of the diff are excluded" in str(refused(diff, exclude=("*.py",)))
    other = EDIT.replace("app.py", "other.txt")
    assert UnifiedDiff.of((diff + "\n" + other).encode(), exclude=("*.py",)).exclude


@pytest.mark.parametrize(
    "name",
    ["../app.py", "pkg/../../app.py", "./app.py", ".git/hooks/pre-commit", "pkg/.GIT/x", "C:/app.py",
     "C:\\app.py", ".m2build/mine/x", "pkg//../x"],
)  # fmt: skip
def test_paths_that_lead_out_of_the_tree(name: str) -> None:
    for diff, strip in (
        (EDIT.replace("app.py", name), 1),
        (EDIT.replace("a/app.py", name).replace("b/app.py", name), 0),
    ):
        assert str(refused(diff, strip=strip)).startswith("fix.patch:1: ")
    quoted = '"' + "".join(f"\\{byte:03o}" for byte in f"a/{name}".encode()) + '"'
    assert str(refused(EDIT.replace("a/app.py", quoted).replace("b/app.py", quoted))).startswith("fix.patch:1: ")


def test_absolute_names() -> None:
    diff = EDIT.replace("a/app.py", "/etc/passwd").replace("b/app.py", "/etc/passwd")
    assert str(refused(diff, strip=0)) == "fix.patch:1: '/etc/passwd' is not a path in a source tree"
    assert UnifiedDiff.of(diff.encode(), strip=2).apply(SourceTree.of({"passwd": "a\nb\nd\n"})).changes


def test_names_with_a_null_byte() -> None:
    assert "is not a path in a source tree" in str(refused(EDIT.replace("b/app.py", '"b/a\\000"')))


def test_a_root_that_leads_out_of_the_tree() -> None:
    assert "is not a path in a source tree" in str(refused(EDIT, root="../x"))


def test_strip_takes_the_same_folder_from_all_names() -> None:
    two = EDIT.replace("app.py", "python/app.py") + EDIT.replace("app.py", "test/app.py")
    assert (
        str(refused(two, strip=2))
        == "fix.patch:8: strip takes 'test/' from test/app.py, and 'python/' from other names"
    )
    assert UnifiedDiff.of(two.encode(), strip=2, exclude=("test/**",)).strip == 2


def test_strip_takes_no_more_than_there_is() -> None:
    assert str(refused(EDIT, strip=2)) == "fix.patch:1: the name app.py has too few parts to strip"
    assert "has no first part" in str(refused(EDIT.replace("a/", "").replace("b/", "")))
    assert "below 0" in str(refused(EDIT, strip=-1))
    git = GIT + "new file mode 100644\nindex 0000000..e69de29\n"
    assert "the header does not say which file it is for" in str(refused(git, strip=3))


def test_a_renaming_across_what_is_excluded() -> None:
    diff = "diff --git a/test/x b/pkg/x\nsimilarity index 100%\nrename from test/x\nrename to pkg/x\n"
    assert (
        str(refused(diff, exclude=("test/**",)))
        == "fix.patch:1: test/x becomes pkg/x, and only one of them is excluded"
    )


def test_the_file_is_the_pinned_one() -> None:
    content = EDIT.encode()
    with pytest.raises(UsageError, match=r"fix\.patch is not the file that the series pins"):
        UnifiedDiff("fix.patch", "0" * 64, content=content)


NEW = "diff --git a/{0} b/{0}\nnew file mode 100644\n--- /dev/null\n+++ b/{0}\n@@ -0,0 +1 @@\n+a\n"
RENAME = "diff --git a/{0} b/{1}\nsimilarity index 100%\nrename from {0}\nrename to {1}\n"


@pytest.mark.parametrize(
    "diff",
    [
        GIT + "diff --git a/other b/other\n" + EDIT.replace("app.py", "other"),
        GIT + "@@ -1 +1 @@\n-a\n+b\n" + EDIT,
        GIT + "new mode 100755\n",
        GIT + "old mode 100644\nnew mode 100755\nindex 1234..1234 100755\n",
        GIT + "old mode 100644\nnew mode 100755",
        RENAME.format("app.py", "moved.py")[:-1],
        (GIT + "old mode 100644\nnew mode 100755\n").replace("\n", "\r\n"),
        NEW.format("new").replace("b/new\n@@", "b/other\n@@"),
        NEW.format("new").replace("b/new\n@@", "b/new 2026-11-27 07:00:00\n@@"),
        EDIT.replace("a/app.py", "a//app.py").replace("b/app.py", "b//app.py"),
        NEW.format("new") + NEW.format("new/below"),
        NEW.format("new/below") + NEW.format("new"),
        RENAME.format("app.py", "app.py/below") + RENAME.format("other", "app.py"),
    ],
)
def test_what_git_refuses_is_refused(diff: str, tmp_path: Path) -> None:
    tree = SourceTree.of({"app.py": "a\nb\nd\n", "other": "a\nb\nd\n"})
    assert not accepts(["git", "apply", "-"], write(tree, tmp_path), stdin=diff.encode())
    with suppress(UsageError):
        assert UnifiedDiff.of(diff.encode()).apply(tree).finding is Finding.CONFLICT


@pytest.mark.parametrize("cut", range(1, 120, 7))
def test_git_refuses_what_is_refused_wherever_a_diff_is_cut(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What git takes of a diff that is cut, m2build may refuse; what m2build takes, git takes as well."""
    diff = (GIT + "index 1..2 100644\n" + EDIT)[:-cut].encode()
    try:
        UnifiedDiff.of(diff)
    except UsageError:
        return
    folder = tmp_path_factory.mktemp("tree")
    (folder / "app.py").write_text("a\nb\nd\n")
    assert accepts(["git", "apply", "--check", "-"], folder, stdin=diff)
