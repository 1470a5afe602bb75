"""Diffs between two trees, made by git and by GNU diff."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from helpers.patches.judges import run
from helpers.patches.trees import write
from helpers.support import need_tool
from m2build.patches.tree import SourceTree


def git_diff_of(old: SourceTree, new: SourceTree, folder: Path, *options: str) -> bytes:
    """What `git diff` says, with renames; the folder is new or empty."""
    before = _committed(old, folder)
    return run(["git", "diff", "--cached", "-M", *options, before], _staged(new, folder))


def git_mails_of(trees: list[SourceTree], folder: Path) -> bytes:
    """What `git format-patch` says of successive trees, in one file."""
    for number, tree in enumerate(trees):
        message = f"Step {number}\n\nSome --- prose, and a hunk quoted:\n\n    @@ -1 +1 @@\n    -x\n    +y\n"
        command = ["git", "-c", "user.name=J D", "-c", "user.email=j@example.org", "commit", "--quiet", "--allow-empty"]
        run([*command, "--file=-"], _staged(tree, folder), stdin=message.encode())
    return run(["git", "format-patch", "--stdout", "-M", f"HEAD~{len(trees) - 1}"], folder)


def gnu_diff_of(old: SourceTree, new: SourceTree, folder: Path) -> bytes:
    """What `diff -ruN old new` says, in a folder with both."""
    for name, tree in (("old", old), ("new", new)):
        (folder / name).mkdir(parents=True)
        write(tree, folder / name)
    command = [need_tool("diff"), "-ruN", "old", "new"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode < 2, done.stderr
    return done.stdout


def _committed(tree: SourceTree, folder: Path) -> str:
    return run(["git", "write-tree"], _staged(tree, folder)).decode().strip()


def _staged(tree: SourceTree, folder: Path) -> Path:
    """A repository whose index holds a tree, and nothing else."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run(["git", "init", "--quiet", "--template="], folder)
    for entry in folder.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    write(tree, folder)
    run(["git", "add", "--all"], folder)
    return folder
