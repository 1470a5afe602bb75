"""Series whose patches are about the same files: each pair of codemods in both orders."""

from __future__ import annotations

import hashlib
import os
from itertools import product
from pathlib import Path

import pytest
from helpers.patches.judges import git_apply
from helpers.patches.trees import read, write

from m2build.errors import PatchError
from m2build.patches import Codemod, Patch, Series, SourceFile, SourceTree, apply_series, changed_tree
from m2build.patches.applying import apply_to_directory, revert_directory
from m2build.patches.codemods.files import AddFile, DeleteFile, ReplaceFile
from m2build.patches.codemods.rename_module import RenameModule
from m2build.patches.codemods.replace_text import ReplaceText
from m2build.patches.codemods.unified_diff import UnifiedDiff

ONE, TWO = b"x = 1\n", b"x = 2\n"
FILES: dict[str, bytes | str | SourceFile] = {
    "pkg/__init__.py": "__version__ = '1.0'\n",
    "pkg/deep/a.py": ONE,
    "pkg/use.py": "from pkg.deep import a\n",
}
KNOWN = tuple(hashlib.sha256(content).hexdigest() for content in (ONE, TWO, b""))
CODEMODS: dict[str, Codemod] = {
    "add": AddFile("a.py", KNOWN[1], "pkg/deep/a.py", content=TWO),
    "add-moved": AddFile("a.py", KNOWN[1], "pkg/deep/b.py", "0755", content=TWO),
    "replace": ReplaceFile("a.py", KNOWN[1], "pkg/deep/a.py", KNOWN, content=TWO),
    "replace-mode": ReplaceFile("a.py", KNOWN[0], "pkg/deep/a.py", KNOWN, "0600", content=ONE),
    "empty": ReplaceFile("a.py", KNOWN[2], "pkg/deep/a.py", KNOWN, content=b""),
    "delete": DeleteFile("pkg/deep/a.py", KNOWN),
    "text": ReplaceText("pkg/deep/a.py", "1", "3"),
    "rename": RenameModule("pkg.deep.a", "pkg.deep.b"),
    "diff": UnifiedDiff.of(b"--- a/pkg/deep/a.py\n+++ b/pkg/deep/a.py\n@@ -1 +1,2 @@\n x = 1\n+y = 1\n"),
    "diff-moved": UnifiedDiff.of(b"--- a/pkg/deep/b.py\n+++ b/pkg/deep/b.py\n@@ -1 +1,2 @@\n x = 1\n+y = 1\n"),
    "diff-new": UnifiedDiff.of(b"--- /dev/null\n+++ b/pkg/deep/b.py\n@@ -0,0 +1 @@\n+x = 1\n"),
    "diff-delete": UnifiedDiff.of(b"--- a/pkg/deep/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1\n"),
    "diff-rename": UnifiedDiff.of(
        b"diff --git a/pkg/deep/a.py b/pkg/deep/b.py\nrename from pkg/deep/a.py\nrename to pkg/deep/b.py\n"
    ),
}


def series(*codemods: Codemod) -> Series:
    patches = (
        Patch.of(
            codemod, id=f"patch-{number}", summary="A change", why="Because.", author="Jo", last_update="2026-11-27",
            accept=["already-applied"],
        )
        for number, codemod in enumerate(codemods)
    )  # fmt: skip
    return Series.of(*patches, id="mixed", summary="Mixed", distribution="pkg")


@pytest.fixture(autouse=True)
def _fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.parametrize("first", [name for name in CODEMODS if name not in ("add", "diff-moved")])
def test_what_two_patches_do_to_one_file_is_what_git_makes_of_it_and_can_be_undone(first: str, tmp_path: Path) -> None:
    tree, fits = SourceTree.of(FILES), 0
    for one, other in product([first], CODEMODS):
        both = series(CODEMODS[one], CODEMODS[other])
        changeset = apply_series(both, tree)
        if not all(result.passes for result in changeset.results):
            continue
        fits, name = fits + 1, f"{one}-{other}"
        folder, judged = write(tree, tmp_path / name), write(tree, tmp_path / f"{name}-git")
        before, after = read(folder), changed_tree(tree, changeset.changes)
        apply_to_directory(both, folder)
        found = {path: state for path, state in read(folder).items() if not path.startswith(".m2build/")}
        assert found == {path: (file.content, file.mode) for path, file in after.items()}, name
        if changeset.changes:
            git_apply(changeset.diff(), judged)
            assert {path: content for path, (content, _) in read(judged).items()} == {
                path: file.content for path, file in after.items()
            }, name
            revert_directory(both, folder)
        assert read(folder) == before, name
    assert fits


@pytest.mark.parametrize(
    ("files", "codemods", "problem"),
    [
        (
            {"pkg/sub/a.py": ONE},
            (DeleteFile("pkg/sub/a.py", KNOWN), AddFile("a.py", KNOWN[1], "pkg/sub", content=TWO)),
            "pkg/sub is a folder and would become a file; nothing was changed",
        ),
        (
            {"pkg/sub": ONE},
            (DeleteFile("pkg/sub", KNOWN), AddFile("a.py", KNOWN[1], "pkg/sub/a.py", content=TWO)),
            "pkg/sub is a file and would become a folder; nothing was changed",
        ),
        (
            {"pkg/sub/a.py": ONE},
            (
                UnifiedDiff.of(
                    b"--- a/pkg/sub/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1\n"
                    b"--- /dev/null\n+++ b/pkg/sub\n@@ -0,0 +1 @@\n+x = 1\n"
                ),
            ),
            "pkg/sub is a folder and would become a file; nothing was changed",
        ),
    ],
    ids=["folder to file", "file to folder", "in one diff"],
)
def test_a_folder_of_a_checkout_does_not_become_a_file_nor_a_file_a_folder(
    files: dict[str, bytes], codemods: tuple[Codemod, ...], problem: str, tmp_path: Path
) -> None:
    """A tree can: a diff of it is what git has. A killed run would leave neither of the two in a folder."""
    tree = SourceTree.of({"pkg/__init__.py": b"", **files})
    changeset = apply_series(series(*codemods), tree).checked()
    folder, judged = write(tree, tmp_path / "tree"), write(tree, tmp_path / "git")
    git_apply(changeset.diff(), judged)
    assert {path: content for path, (content, _) in read(judged).items()} == {
        path: file.content for path, file in changed_tree(tree, changeset.changes).items()
    }
    before = read(folder)
    with pytest.raises(PatchError, match=problem):
        apply_to_directory(series(*codemods), folder)
    assert read(folder) == before
    assert not (folder / ".m2build").exists()


def test_a_second_run_says_that_the_first_one_did_it_all(tmp_path: Path) -> None:
    """Patches that build on one another are not found one by one in what they made together."""
    both = series(ReplaceText("pkg/deep/a.py", "1", "2"), ReplaceText("pkg/deep/a.py", "2", "3"))
    folder = write(SourceTree.of(FILES), tmp_path / "tree")
    apply_to_directory(both, folder)
    before = read(folder)
    with pytest.raises(
        PatchError, match="holds what an earlier run of mixed made; on top of that, the patch"
    ) as caught:
        apply_to_directory(both, folder)
    assert read(folder) == before
    assert "nothing is left to do" in (caught.value.hint or "")
    (folder / "pkg/deep/a.py").write_bytes(b"x = 9\n")
    with pytest.raises(PatchError, match=r"^the patch patch-0 does not apply"):
        apply_to_directory(both, folder)
