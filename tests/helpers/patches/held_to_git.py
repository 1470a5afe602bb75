"""What m2build makes of a diff, held to what git and GNU patch make of it: the same bytes, or a refusal."""

from __future__ import annotations

import tempfile
from pathlib import Path

from helpers.patches.judges import accepts
from helpers.patches.trees import read, write
from m2build.patches.change import Finding, Rewrite, changed_tree
from m2build.patches.codemods.unified_diff import UnifiedDiff
from m2build.patches.tree import SourceTree

NO_CONTEXT = "-U0"
"""An option for diffs that git applies, backwards at least, at the end of whatever file."""
_STRICTER = (
    "stand at several places",
    "before and after both stand",
    "above the hunk before it",
    "and is to have",  # the mode
    "without any around them",
)
"""Why m2build refuses what git applies; docs/patches.md lists them."""


def hold_to_git(diff: bytes, target: SourceTree, *options: str, strip: int = 1) -> Rewrite:
    """Apply a diff by m2build and by git, and compare.

    Args:
        diff: the diff.
        target: the tree.
        options: those that the diff was made with.
        strip: what both are to strip.
    """
    rewrite = UnifiedDiff.of(diff, strip=strip).apply(target)
    git: list[str | Path] = ["git", "apply", "--whitespace=nowarn", f"-p{strip}"]
    with tempfile.TemporaryDirectory() as name:
        folder = write(target, Path(name, "target"))
        reverses = accepts([*git, "--reverse", "--check", "-"], folder, stdin=diff)
        if accepts([*git, "-"], folder, stdin=diff):
            if rewrite.finding is Finding.CHANGED:
                assert read(folder) == files_of(changed_tree(target, rewrite.changes))
            else:
                assert is_stricter(rewrite) or (rewrite.finding is Finding.ALREADY_APPLIED and reverses), rewrite
        elif reverses:
            # The second is for files to delete, whose folders are gone too.
            is_done = rewrite.finding in (Finding.ALREADY_APPLIED, Finding.ABSENT)
            is_refused = rewrite.finding is Finding.CONFLICT and (is_stricter(rewrite) or NO_CONTEXT in options)
            assert is_done or is_refused, rewrite
        else:
            assert (rewrite.finding, rewrite.changes) == (Finding.CONFLICT, ()), rewrite
    return rewrite


def hold_to_gnu_patch(diff: bytes, target: SourceTree) -> None:
    """Compare with what GNU patch makes of a diff, where both apply it."""
    rewrite = UnifiedDiff.of(diff).apply(target)
    command: list[str | Path] = ["patch", "-p1", "--fuzz=0", "--forward", "--no-backup-if-mismatch"]
    with tempfile.TemporaryDirectory() as name:
        folder = write(target, Path(name, "target"))
        if rewrite.finding is Finding.CHANGED and accepts(command, folder, stdin=diff):
            assert read(folder) == files_of(changed_tree(target, rewrite.changes))


def is_stricter(rewrite: Rewrite) -> bool:
    """Whether a conflict may be none for git."""
    return any(reason in mention.text for mention in rewrite.mentions for reason in _STRICTER)


def files_of(tree: SourceTree) -> dict[str, tuple[bytes, int]]:
    """Path -> bytes and mode."""
    return {path: (file.content, file.mode) for path, file in tree.items()}
