"""What docs/patches.md lists as refused although `git apply` accepts it: git does, and m2build refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.patches.judges import accepts
from helpers.patches.trees import read, write
from helpers.rooms import ROOT

from m2build.errors import UsageError
from m2build.patches.change import Finding, changed_tree
from m2build.patches.codemods.unified_diff import UnifiedDiff
from m2build.patches.tree import SourceFile, SourceTree

HEAD = "--- a/x\n+++ b/x\n"
GIT = "diff --git a/x b/x\n"
SWAP = "@@ -{0},5 +{0},5 @@\n a\n b\n-c\n+d\n e\n f\n"
BLOCK = "a\nb\nc\ne\nf\n"

CASES = {
    "A hunk stands at several places": (HEAD + SWAP.format(5), f"0\n{BLOCK}1\n2\n3\n4\n{BLOCK}"),
    "A hunk stands only above": (
        HEAD + "@@ -5,3 +5,3 @@\n 5\n-6\n+six\n 7\n@@ -10,3 +10,3 @@\n 1\n-2\n+two\n 3\n",
        "0\n1\n2\n3\n4\n5\n6\n7\n8\n",
    ),
    "The lines before and after": (HEAD + "@@ -3,2 +3,3 @@\n \n+\n \n", "0\n1\n\n\n\n2\n"),
    "A hunk adds lines without any": (HEAD + "@@ -2,0 +3 @@\n+new\n", "0\n1\n2\n3\n"),
    "A line without a line feed": (
        HEAD + "@@ -2,3 +2,3 @@\n a\n-b\n+c\n d\n\\ No newline at end of file\n",
        "0\na\nb\nd\ne\n",
    ),
    "The mode before": (GIT + "old mode 100755\nnew mode 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "a\n"),
    "A hunk has more lines": (HEAD + "@@ -1,2 +1,2 @@\n-a\n+A\n b\n+c\n", "a\nb\nc\n"),
    "A file is binary": (GIT + "new file mode 120000\nindex 0000000..7898192\n--- /dev/null\n+++ b/x\n"
                         "@@ -0,0 +1 @@\n+a\n", None),
    "A header contradicts itself": (GIT + "similarity index 100%\nrename from x\nrename to x\n", "a\n"),
    "A file is created": (2 * (GIT + "new file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"), None),
    "A mail is in quoted-printable": (
        "Content-Transfer-Encoding: quoted-printable\n\n" + HEAD + "@@ -1 +1 @@\n-a\n+a =3D 1\n", "a\n"),
    "Only one of a file's two names": ("--- x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "a\n"),
    "The names of a file differ": ("diff --git a/x b/y\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n", "a\n"),
}  # fmt: skip


def refuses(diff: str, tree: SourceTree) -> bool:
    try:
        return UnifiedDiff.of(diff.encode()).apply(tree).finding is Finding.CONFLICT
    except UsageError:
        return True


@pytest.mark.parametrize("row", CASES)
def test_what_git_accepts_and_m2build_refuses(row: str, tmp_path: Path) -> None:
    diff, content = CASES[row]
    tree = SourceTree.of({"kept": "", **({} if content is None else {"x": content})})
    assert refuses(diff, tree)
    assert accepts(["git", "apply", "-"], write(tree, tmp_path), stdin=diff.encode())


def test_strip_takes_one_folder_only(tmp_path: Path) -> None:
    diff = "".join(f"--- a/{side}/{side}.py\n+++ b/{side}/{side}.py\n@@ -1 +1 @@\n-a\n+b\n" for side in ("one", "two"))
    with pytest.raises(UsageError, match=r"strip takes 'two/' from two/two\.py"):
        UnifiedDiff.of(diff.encode(), strip=2)
    tree = SourceTree.of({"one.py": "a\n", "two.py": "a\n"})
    assert accepts(["git", "apply", "-p2", "-"], write(tree, tmp_path), stdin=diff.encode())


def test_the_page_lists_what_is_tested_here() -> None:
    page = (ROOT / "docs" / "patches.md").read_text(encoding="utf-8")
    listed = re.findall(
        r"^\| ([^|]+) \| [^|]+ \|$", page.partition("what git does |\n")[2].partition("\n\n")[0], re.MULTILINE
    )
    assert len(listed) - 1 == len(CASES) + 1
    for row in (*CASES, "`strip` takes different folders"):
        assert any(line.startswith(row) for line in listed), row


def test_an_edit_and_then_a_renaming_in_two_mails(tmp_path: Path) -> None:
    """git makes the renaming from the original file, and the edit is lost."""
    edit = GIT + HEAD + "@@ -1,5 +1,5 @@\n-a\n+A\n b\n c\n d\n e\n"
    rename = "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n"
    mails = f"From 1\n\n{edit}-- \n2.39\n\nFrom 2\n\n{rename}-- \n2.39\n"
    tree = SourceTree.of({"x": "a\nb\nc\nd\ne\n"})
    folder = write(tree, tmp_path)
    assert accepts(["git", "apply", "-"], folder, stdin=mails.encode())
    assert read(folder)["y"][0] == b"a\nb\nc\nd\ne\n"
    after = changed_tree(tree, UnifiedDiff.of(mails.encode()).apply(tree).changes)
    assert dict(after) == {"y": SourceFile.of(b"A\nb\nc\nd\ne\n")}
