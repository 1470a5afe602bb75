"""Diffs of random changes, applied by git and by GNU patch, forwards and in reverse, give exactly the bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from helpers.patches.judges import Judge, git_apply, gnu_patch, run
from helpers.patches.trees import files_before, read, write
from helpers.support import in_shares
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.patches.change import FileChange, changed_tree
from m2build.patches.diff import git_diff
from m2build.patches.tree import SourceFile, SourceTree

BOUNDED = settings(max_examples=10, deadline=None)
LINES = st.sampled_from(
    [b"a\n", b"b\n", b"\n", b"  \n", b"a\r\n", b"\r", b"\0\xff\n", b"- x\n", b"+++ b/y\n", b"\\ z\n", b"@@ -1 +1 @@\n"]
)
ENDS = st.sampled_from([b"", b"a", b"\r", b"\0"])
CONTENT = st.builds(lambda lines, last: b"".join(lines) + last, st.lists(LINES, max_size=14), ENDS)
CHARACTERS = st.sampled_from("abZ019 ._-+=~#@\"'\\$&()[]{}%é€𝄞\x7f\t")


def names(characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    part = st.text(characters, min_size=1, max_size=6).filter(lambda name: name.strip(". ") != "")
    return st.lists(part, min_size=1, max_size=3).map("/".join)


@st.composite
def changes(draw: st.DrawFn, characters: st.SearchStrategy[str]) -> tuple[FileChange, ...]:
    """Edits, renames, mode changes and combinations, new and deleted files; no path is a folder of another's."""
    count = draw(st.integers(1, 4))
    tops = draw(st.lists(names(characters), min_size=2 * count, max_size=2 * count))
    found = []
    for number in range(count):
        old, new = (f"{side}{number}/{top}" for side, top in zip("xy", tops[2 * number : 2 * number + 2], strict=True))
        before = SourceFile.of(draw(CONTENT), draw(st.sampled_from([0o644, 0o755])))
        after = SourceFile.of(draw(st.just(before.content) | CONTENT), draw(st.sampled_from([0o644, 0o755])))
        change = draw(
            st.sampled_from(
                [
                    FileChange(old, before, old, after),
                    FileChange(old, before, new, after),
                    FileChange.created(old, after),
                    FileChange.deleted(old, before),
                ]
            )
        )
        if change.renamed or change.edited:
            found.append(change)
    return tuple(found)


def check(judge: Judge, made: tuple[FileChange, ...]) -> None:
    before = SourceTree(files_before(made), origin="test")
    after = changed_tree(before, made)
    diff = git_diff(made)
    with tempfile.TemporaryDirectory() as name:
        folder = write(before, Path(name))
        original, wanted = read(folder), {path: (file.content, file.mode) for path, file in after.items()}
        if made:
            judge(diff, folder)
        assert read(folder) == wanted
        if made:
            judge(diff, folder, reverse=True)
        assert read(folder) == original


@in_shares(4)
@BOUNDED
@given(changes(CHARACTERS | st.just("\n")))
def test_git_applies_it_exactly(share: int, made: tuple[FileChange, ...]) -> None:
    check(git_apply, made)


@in_shares(4)
@BOUNDED
@given(changes(CHARACTERS))
def test_gnu_patch_applies_it_exactly(share: int, made: tuple[FileChange, ...]) -> None:
    check(gnu_patch, made)


def test_the_diff_of_a_renamed_and_edited_file_is_what_a_reviewer_knows() -> None:
    lines = b"".join(b"%d\n" % number for number in range(1, 20))
    before, after = SourceFile.of(lines, 0o644), SourceFile.of(lines.replace(b"7\n", b"seven\n", 1) + b"end", 0o755)
    assert git_diff([FileChange("p/old.py", before, "p/new.py", after)]).decode() == (
        "diff --git a/p/old.py b/p/new.py\n"
        "old mode 100644\n"
        "new mode 100755\n"
        "similarity index 80%\n"
        "rename from p/old.py\n"
        "rename to p/new.py\n"
        "index ac30dc23af4233ffbafd666e101843a7c69d72f2..17bbb17ec88251123638b6ede070cd162068c0a2\n"
        "--- a/p/old.py\n"
        "+++ b/p/new.py\n"
        "@@ -4,7 +4,7 @@\n 4\n 5\n 6\n-7\n+seven\n 8\n 9\n 10\n"
        "@@ -17,3 +17,4 @@\n 17\n 18\n 19\n+end\n\\ No newline at end of file\n"
    )


def test_blob_ids_are_gits() -> None:
    """`git apply --3way` and reviewers look blobs up by them."""
    files = SourceFile.of(b"old\r\n"), SourceFile.of(b"new \0\n")
    change = FileChange("x", files[0], "x", files[1])
    ids = [run(["git", "hash-object", "--stdin"], Path.cwd(), stdin=file.content).decode().strip() for file in files]
    assert f"index {ids[0]}..{ids[1]} 100644\n".encode() in git_diff([change])


def test_a_name_that_is_not_utf8_survives(tmp_path: Path) -> None:
    name = b"x/\xff\xfe.py".decode(errors="surrogateescape")
    change = FileChange(name, SourceFile.of(b"1\n"), f"{name} ", SourceFile.of(b"2\n"))
    folder = write(SourceTree(files_before([change]), origin="test"), tmp_path)
    git_apply(git_diff([change]), folder)
    assert read(folder) == {f"{name} ": (b"2\n", 0o644)}


def test_nothing_changed_is_an_empty_diff() -> None:
    assert git_diff([]) == b""


@pytest.mark.parametrize(
    "moves",
    [
        {"p/a.py": "p/b.py", "p/b.py": "p/a.py"},
        {"p/a.py": "p/b.py", "p/b.py": "p/c.py", "p/c.py": "p/a.py"},
        {"p/a.py": "p/b.py", "p/b.py": "p/d.py"},
        {"p/a.py": "p/same.py", "p/same.py": "p/a.py", "p/c.py": "q/c.py"},
    ],
    ids=["swap", "round of three", "chain", "equal contents"],
)
@pytest.mark.parametrize("judge", [git_apply, gnu_patch])
def test_names_that_change_places_are_taken_by_both_tools(judge: Judge, moves: dict[str, str], tmp_path: Path) -> None:
    """GNU patch takes a renaming to a name that exists for done already, and changes nothing."""
    tree = SourceTree.of({"p/a.py": "a\n", "p/b.py": "b\n", "p/c.py": "c\n", "p/same.py": "a\n", "z": "z\n"})
    made = [FileChange(old, tree[old], new, tree[new if new == "p/same.py" else old]) for old, new in moves.items()]
    diff, folder = git_diff(made), write(tree, tmp_path)
    pristine = read(folder)
    judge(diff, folder)
    assert read(folder) == {path: (file.content, file.mode) for path, file in changed_tree(tree, made).items()}
    judge(diff, folder, reverse=True)
    assert read(folder) == pristine
