"""What `UnifiedDiff` does to a tree, what it finds already done, and what it says of a conflict."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.patches.judges import run
from helpers.patches.trees import contents, read, write

from m2build.patches.change import Finding, Rewrite, changed_tree
from m2build.patches.codemods.unified_diff import UnifiedDiff
from m2build.patches.tree import SourceFile, SourceTree
from m2build.testing import assert_codemod, assert_unchanged

Files = Mapping[str, bytes | str | SourceFile]

LINES = [f"line {number}\n" for number in range(1, 31)]
TEXT = "".join(LINES)
CHANGED = TEXT.replace("line 10\n", "ten\n").replace("line 20\n", "twenty\nand more\n")
TWO = (
    "--- a/app.txt\n+++ b/app.txt\n"
    "@@ -8,5 +8,5 @@\n line 8\n line 9\n-line 10\n+ten\n line 11\n line 12\n"
    "@@ -18,5 +18,6 @@\n line 18\n line 19\n-line 20\n+twenty\n+and more\n line 21\n line 22\n"
)


def applied(diff: str, files: Files, **parameters: str | int | tuple[str, ...]) -> Rewrite:
    codemod = UnifiedDiff.of(diff.encode(), file="fix.patch", **parameters)  # type: ignore[arg-type]  # of several types
    return codemod.apply(SourceTree.of(files))


def told(rewrite: Rewrite) -> list[str]:
    return [str(mention) for mention in rewrite.mentions]


def test_a_diff_changes_what_it_says_and_nothing_else() -> None:
    result = assert_codemod(
        UnifiedDiff.of(TWO.encode()), {"app.txt": TEXT, "other.txt": TEXT}, {"app.txt": CHANGED}, mentions=[]
    )
    assert result.detail == "2 changes made in 1 file"
    assert_unchanged(UnifiedDiff.of(TWO.encode()), {"app.txt": CHANGED}, Finding.ALREADY_APPLIED)


def test_an_offset_is_told() -> None:
    rewrite = applied(TWO, {"app.txt": "new\n" * 3 + TEXT})
    assert rewrite.detail == "2 changes made in 1 file, 2 of them at an offset"
    assert told(rewrite) == [
        "at an offset: app.txt:11: the hunk at fix.patch:3 stands 3 lines further down",
        "at an offset: app.txt:21: the hunk at fix.patch:10 stands 3 lines further down",
    ]
    assert told(applied(TWO, {"app.txt": "".join(LINES[1:])}))[0] == (
        "at an offset: app.txt:7: the hunk at fix.patch:3 stands 1 line further up"
    )


def test_of_several_places_the_stated_line_counts() -> None:
    block = "".join(LINES[7:12])
    rewrite = applied(TWO, {"app.txt": TEXT + block})
    assert rewrite.changes[0].after == SourceFile.of((CHANGED + block).encode())
    rewrite = applied(TWO, {"app.txt": f"new\n{TEXT}{block}"})
    assert rewrite.finding is Finding.CONFLICT
    assert told(rewrite)[0] == (
        "missing: app.txt: the hunk at fix.patch:3: its lines stand at several places, at the lines 9, 32"
    )


def test_of_several_places_the_one_that_has_moved_as_the_hunk_above_counts() -> None:
    twice = TEXT + "".join(LINES[17:22])
    (change,) = applied(TWO, {"app.txt": f"new\n{twice}"}).changes
    assert change.after == SourceFile.of(b"new\n" + CHANGED.encode() + "".join(LINES[17:22]).encode())


def test_a_place_that_is_nearer_to_the_stated_line_makes_it_uncertain() -> None:
    """git takes the nearer one, and GNU patch the one that has moved as the hunk above."""
    diff = "--- a/x\n+++ b/x\n@@ -3,3 +3,3 @@\n 2\n-3\n+three\n 4\n@@ -20,3 +20,3 @@\n a\n-b\n+c\n d\n"
    lines = [str(number) for number in range(40)]
    lines[15:18] = lines[19:22] = ["a", "b", "d"]
    rewrite = applied(diff, {"x": "".join(f"{line}\n" for line in ["new"] * 5 + lines)})
    assert told(rewrite)[1].endswith("its lines stand at several places, at the lines 21, 25")


def test_lines_that_hunks_above_add_do_not_move_the_stated_line() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -2,2 +2,6 @@\n 1\n+n\n+n\n+n\n+n\n 2\n@@ -9,3 +13,3 @@\n a\n-b\n+c\n d\n"
    before = "0\n1\n2\n3\n4\n5\n6\n7\na\nb\nd\n8\na\nb\nd\n"
    after = "0\n1\nn\nn\nn\nn\n2\n3\n4\n5\n6\n7\na\nc\nd\n8\na\nb\nd\n"
    assert applied(diff, {"x": before}).changes[0].after == SourceFile.of(after.encode())


def test_a_hunk_that_stands_above_the_one_before_it_is_a_conflict() -> None:
    rewrite = applied(TWO, {"app.txt": "".join(LINES[17:22] + LINES[:17])})
    assert told(rewrite) == [
        "applies: app.txt:13: the hunk at fix.patch:3",
        "missing: app.txt: the hunk at fix.patch:10: its lines stand at line 1 only, above the hunk before it",
    ]


def test_a_mixture_names_each_hunk_and_the_nearest_lines() -> None:
    files = {
        "app.txt": CHANGED.replace("twenty\nand more\n", "line 20\n"),
        "gone.txt": TEXT.replace("line 11", "LINE 11"),
        "new.txt": "new\n",
    }
    diff = TWO + TWO.replace("app.txt", "gone.txt") + "--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+other\n"
    rewrite = applied(diff, files)
    assert rewrite.finding is Finding.CONFLICT
    assert rewrite.changes == ()
    assert rewrite.detail == (
        "of the changes in fix.patch, 2 could be made, 1 are there already, 2 cannot; "
        "the first that is missing: gone.txt: the hunk at fix.patch:20: its lines are not there"
    )
    assert told(rewrite) == [
        "there already: app.txt:8: the hunk at fix.patch:3",
        "applies: app.txt:18: the hunk at fix.patch:10",
        "missing: gone.txt: the hunk at fix.patch:20: its lines are not there",
        "nearest: gone.txt:11: LINE 11",
        "nearest: gone.txt:12: line 12",
        "nearest: gone.txt:13: line 13",
        "applies: gone.txt:18: the hunk at fix.patch:27",
        "missing: new.txt: the hunk at fix.patch:37: new.txt is there already",
    ]


def test_what_could_be_before_or_after_the_change_is_decided_by_the_line_or_refused() -> None:
    """Its lines before stand in its own result, as where a diff adds one more of the same: git would add it again."""
    diff = "--- a/x\n+++ b/x\n@@ -2,2 +2,4 @@\n a\n b\n+a\n+b\n"
    before, after = "0\na\nb\n", "0\na\nb\na\nb\n"
    assert applied(diff, {"x": before}).changes[0].after == SourceFile.of(after.encode())
    assert applied(diff, {"x": after}).finding is Finding.ALREADY_APPLIED
    inserted = "--- a/x\n+++ b/x\n@@ -2,2 +2,3 @@\n \n+\n \n"
    rewrite = applied(inserted, {"x": "0\n\n\n\n1\n"})
    assert told(rewrite) == ["missing: x: the hunk at fix.patch:3: its lines before and after both stand there"]


def test_files_that_are_made_deleted_and_emptied() -> None:
    diff = (
        "diff --git a/empty b/empty\nnew file mode 100755\nindex 0000000..e69de29\n"
        "diff --git a/old b/old\ndeleted file mode 100644\nindex 7898192..0000000\n--- a/old\n+++ /dev/null\n"
        "@@ -1 +0,0 @@\n-a\n"
        "diff --git a/nil b/nil\ndeleted file mode 100644\nindex e69de29..0000000\n"
        "diff --git a/pkg/new b/pkg/new\nnew file mode 100644\nindex 0000000..7898192\n--- /dev/null\n+++ b/pkg/new\n"
        "@@ -0,0 +1 @@\n+a\n"
        "diff --git a/full b/full\nindex 7898192..e69de29 100644\n--- a/full\n+++ b/full\n@@ -1 +0,0 @@\n-a\n"
    )
    files: Files = {"old": "a\n", "nil": "", "full": "a\n"}
    tree = SourceTree.of(files)
    rewrite = UnifiedDiff.of(diff.encode()).apply(tree)
    after = changed_tree(tree, rewrite.changes)
    assert {path: (file.content, file.mode) for path, file in after.items()} == {
        "empty": (b"", 0o755),
        "full": (b"", 0o644),
        "pkg/new": (b"a\n", 0o644),
    }
    assert UnifiedDiff.of(diff.encode()).apply(after).finding is Finding.ALREADY_APPLIED
    assert applied(diff, {**files, "old": "a\nb\n"}).finding is Finding.CONFLICT
    assert "nil holds more" in str(told(applied(diff, {**files, "nil": "a"})))
    assert "pkg is there already, and no folder" in str(told(applied(diff, {**files, "pkg": ""})))
    assert "empty is a folder" in str(told(applied(diff, {**files, "empty/x": ""})))


def test_a_diff_that_only_deletes_says_whether_there_was_anything_to_delete() -> None:
    diff = "--- a/pkg/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
    assert applied(diff, {"pkg/other": ""}).finding is Finding.ALREADY_APPLIED
    assert applied(diff, {"other": ""}).finding is Finding.ABSENT


def test_renamed_and_copied_files_and_names_that_change_places() -> None:
    diff = (
        "diff --git a/a b/b\nsimilarity index 100%\nrename from a\nrename to b\n"
        "diff --git a/b b/a\nsimilarity index 50%\nrename from b\nrename to a\nindex 7898192..f2ad6c7 100644\n"
        "--- a/b\n+++ b/a\n@@ -1 +1,2 @@\n b\n+c\n"
        "diff --git a/a b/c\nsimilarity index 100%\ncopy from a\ncopy to c\n"
    )
    tree = SourceTree.of({"a": "a\n", "b": "b\n"})
    rewrite = UnifiedDiff.of(diff.encode()).apply(tree)
    after = changed_tree(tree, rewrite.changes)
    assert contents(after) == {"a": b"b\nc\n", "b": b"a\n", "c": b"a\n"}
    assert applied(diff, {"a": "a\n", "b": "b\n", "c": ""}).finding is Finding.CONFLICT


def test_a_file_takes_the_place_of_a_folder_that_goes() -> None:
    rename = "diff --git a/pkg/x b/pkg\nsimilarity index 100%\nrename from pkg/x\nrename to pkg\n"
    assert applied(rename, {"pkg/x": "a\n"}).changes[0].renamed
    assert "pkg is a folder" in str(told(applied(rename, {"pkg/x": "a\n", "pkg/y": ""})))
    linked = SourceTree({"pkg/x": SourceFile.of(b"a\n")}, origin="test", links={"pkg/link": "x"})
    assert UnifiedDiff.of(rename.encode()).apply(linked).finding is Finding.CONFLICT


@pytest.mark.parametrize("offset", [0, 100])
def test_many_hunks_of_one_file(offset: int) -> None:
    """In a time that grows with their number, and not with its square: twice as many took 20 seconds."""
    at = range(5, 50_000, 10)
    text = "".join(f"line {number}\n" for number in range(at.stop + 20))
    hunks = "".join(
        f"@@ -{n + offset},3 +{n + offset},3 @@\n line {n - 1}\n-line {n}\n+new {n}\n line {n + 1}\n" for n in at
    )
    started = time.process_time()
    (change,) = applied("--- a/x\n+++ b/x\n" + hunks, {"x": text}).changes
    assert time.process_time() - started < 2
    assert change.after
    wanted = [f"new {n}" if n % 10 == 5 and n < at.stop else f"line {n}" for n in range(at.stop + 20)]
    assert change.after.content.decode().splitlines() == wanted


def test_a_file_that_is_renamed_already_is_found() -> None:
    diff = "diff --git a/a b/b\nrename from a\nrename to b\n--- a/a\n+++ b/b\n@@ -1 +1 @@\n-a\n+b\n"
    assert applied(diff, {"a": "a\n"}).changes[0].renamed
    assert applied(diff, {"b": "b\n"}).finding is Finding.ALREADY_APPLIED
    assert told(applied(diff, {"b": "a\n"})) == ["missing: a: the hunk at fix.patch:6: there is no a"]
    assert "b is there already" in str(told(applied(diff, {"a": "a\n", "b": "b\n"})))


def test_modes() -> None:
    diff = "diff --git a/run b/run\nold mode 100644\nnew mode 100755\n"
    (change,) = applied(diff, {"run": SourceFile.of(b"x", 0o640)}).changes
    assert change.after
    assert (change.after.mode, change.after.content) == (0o750, b"x")
    assert applied(diff, {"run": SourceFile.of(b"x", 0o755)}).finding is Finding.ALREADY_APPLIED
    edit = diff + "index 7898192..6178079\n--- a/run\n+++ b/run\n@@ -1 +1 @@\n-a\n+b\n"
    assert applied(edit, {"run": SourceFile.of(b"a\n", 0o755)}).finding is Finding.CONFLICT
    kept = "--- a/run\n+++ b/run\n@@ -1 +1 @@\n-a\n+b\n"
    (change,) = applied(kept, {"run": SourceFile.of(b"a\n", 0o700)}).changes
    assert change.after == SourceFile.of(b"b\n", 0o700)


def test_links_of_the_tree_are_not_followed() -> None:
    for link in ("app.txt", "pkg"):
        tree = SourceTree({}, origin="test", links={link: "/etc"})
        for path in ("app.txt", "pkg/x"):
            rewrite = UnifiedDiff.of(TWO.replace("app.txt", path).encode()).apply(tree)
            assert rewrite.finding is Finding.CONFLICT
            made = UnifiedDiff.of(f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+a\n".encode()).apply(tree)
            is_behind = path.startswith(link)
            assert ("symbolic link" in str(told(rewrite))) == is_behind
            assert (made.finding is Finding.CONFLICT) == is_behind


def test_the_files_of_a_repository_that_no_image_holds_are_left_out_and_listed() -> None:
    parts = [TWO.replace("app.txt", path) for path in ("python/pkg/app.txt", "test/test_app.py", "docs/a/b.md")]
    exclude = ("test/**", "docs/**")
    rewrite = applied("".join(parts), {"pkg/app.txt": TEXT}, strip=2, exclude=exclude)
    assert rewrite.detail == "2 changes made in 1 file; 2 files of the diff left out"
    assert told(rewrite) == [
        "left out: test/test_app.py: excluded; changed at fix.patch:18",
        "left out: docs/a/b.md: excluded; changed at fix.patch:35",
    ]
    again = applied("".join(parts), {"pkg/app.txt": CHANGED}, strip=2, exclude=exclude)
    assert (again.finding, len(again.mentions)) == (Finding.ALREADY_APPLIED, 2)


def test_a_file_that_the_tree_lacks_is_a_conflict() -> None:
    rewrite = applied(TWO + TWO.replace("app.txt", "other.txt"), {"app.txt": TEXT})
    assert told(rewrite)[2] == "missing: other.txt: the hunk at fix.patch:20: there is no other.txt"


def test_a_root_below_the_top_of_the_tree() -> None:
    (change,) = applied(TWO, {"app.txt": TEXT, "pkg/deep/app.txt": TEXT}, root="pkg/deep").changes
    assert change.path == "pkg/deep/app.txt"


def test_only_the_files_that_a_diff_names_are_read() -> None:
    read_files: list[str] = []

    def file(path: str, content: str) -> SourceFile:
        def load() -> bytes:
            read_files.append(path)
            return content.encode()

        return SourceFile(0o644, len(content), load)

    files = {path: file(path, TEXT) for path in ("app.txt", "b.txt", "pkg/c.txt")}
    tree = SourceTree(files, origin="test")
    assert UnifiedDiff.of(TWO.encode()).apply(tree).changes
    assert read_files == ["app.txt"]
    rename = "diff --git a/b.txt b/d.txt\nsimilarity index 100%\nrename from b.txt\nrename to d.txt\n"
    assert UnifiedDiff.of(rename.encode()).apply(tree).changes[0].renamed
    assert read_files == ["app.txt"]


def test_quilts_patches_with_comments_and_without_prefixes(tmp_path: Path) -> None:
    """Each patch of a series that quilt itself has written, with `-p 0`, applied as quilt does."""
    tree = SourceTree.of({"app.txt": TEXT, "pkg/b.txt": TEXT})
    folder = write(tree, tmp_path)
    for number, (path, old, new) in enumerate([("app.txt", "line 10\n", "ten\n"), ("pkg/b.txt", "line 3\n", "")]):
        run(["quilt", "new", "-p", "0", f"{number}.patch"], folder)
        run(["quilt", "add", path], folder)
        (folder / path).write_text(TEXT.replace(old, new))
        header = b"Description: Say ten\nForwarded: no\n---\nThis patch header follows DEP-3.\n--- see also a/b\n"
        run(["quilt", "header", "-r"], folder, stdin=header)
        run(["quilt", "refresh", "-p", "0"], folder)
    for number in range(2):
        diff = (folder / f"patches/{number}.patch").read_bytes()
        assert diff.startswith(b"Description: ")
        rewrite = UnifiedDiff.of(diff, strip=0).apply(tree)
        assert rewrite.finding is Finding.CHANGED, rewrite
        tree = changed_tree(tree, rewrite.changes)
    for path, content in contents(tree).items():
        assert read(folder)[path][0] == content


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        ("Index: app.txt\n" + "=" * 67 + "\n", "\nProperty changes on: app.txt\n"),
        ("commit 0123456\nAuthor: J D\n\n    A message\n\n", "\ncommit 7654321\n\n    Another message\n"),
        (
            "From 0123456 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x\n\nWhy.\n---\n app.txt | 4 ++--\n\n",
            "-- \n2.39.5\n\n",
        ),
        ("\ufeff", ""),
        ("diff -ru old/app.txt new/app.txt\n", "Only in new: other.txt\n"),
    ],
)
def test_what_stands_around_a_diff_is_prose(head: str, tail: str) -> None:
    assert applied(head + TWO + tail, {"app.txt": TEXT}).finding is Finding.CHANGED


def test_headers_with_windows_line_ends() -> None:
    head, body = TWO[:28], TWO[28:]
    windows = (head + body).replace("\n", "\r\n")
    (change,) = applied(windows, {"app.txt": TEXT.replace("\n", "\r\n")}).changes
    assert change.after == SourceFile.of(CHANGED.replace("\n", "\r\n").encode())
    assert applied(windows, {"app.txt": TEXT}).finding is Finding.CONFLICT


def test_names_with_times_of_every_form() -> None:
    for old, new in (
        ("a/my app.txt\t2026-11-27 07:00:00.123456789 +0000", "b/my app.txt\t2026-11-27 07:00:00 +0000"),
        ("a/my app.txt 2026-11-27 07:00:00.123456789 +0000", "b/my app.txt 2026-11-27 07:00:00 +0000"),
        ('"a/my app.txt"\t2026-11-27 07:00:00 +0000', '"b/my\\040app.txt"'),
        ("a/my app.txt\t(revision 3)", "b/my app.txt\t(working copy)"),
        ("a/my app.txt", "b/my app.txt.new"),
        ("a/other.txt.orig", "b/my app.txt"),
    ):
        diff = TWO.replace("a/app.txt", old).replace("b/app.txt", new)
        assert applied(diff, {"my app.txt": TEXT}).finding is Finding.CHANGED, (old, new)


def test_the_time_0_marks_a_file_that_is_not_there() -> None:
    for zero in ("1970-01-01 00:00:00.000000000 +0000", "1970-01-01 02:00:00 +0200", "1969-12-31 19:00:00 -0500"):
        made = f"--- a/x\t{zero}\n+++ b/x\t2026-11-27 07:00:00 +0000\n@@ -0,0 +1 @@\n+a\n"
        assert applied(made, {"y": ""}).changes[0].before is None
        assert applied(made, {"x": ""}).finding is Finding.CONFLICT
        gone = f"--- a/x\t2026-11-27 07:00:00 +0000\n+++ b/x\t{zero}\n@@ -1 +0,0 @@\n-a\n"
        assert applied(gone, {"x": "a\n"}).changes[0].after is None
