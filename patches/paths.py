"""Paths that a codemod may change."""

from __future__ import annotations

from m2build.documents.shown import shown
from m2build.errors import UsageError
from m2build.patches.sources import SKIPPED
from m2build.patches.tree import SourceTree, folders_above


def check_path(path: str) -> str:
    """Return `path` if a source tree may hold it.

    Raises:
        UsageError: it is absolute, points out of the tree, or is in a folder that holds no sources, such as `.git`.
    """
    parts = path.split("/")
    if not {"", ".", ".."}.isdisjoint(parts) or "\0" in path:
        raise UsageError(
            f"{shown(path)} is not a path in a source tree", hint="paths are relative to its root, as in pkg/a.py"
        )
    if not SKIPPED.isdisjoint(map(str.lower, parts)):
        raise UsageError(f"{shown(path)} is in a folder that holds no sources")
    return path


def in_the_way(tree: SourceTree, path: str) -> str | None:
    """What keeps a file from being at `path`: a link there or above it, a folder there, or a file above it."""
    if path in tree.folders or any(link.startswith(f"{path}/") for link in tree.links):
        return f"{path} is a folder"
    for above in (path, *folders_above(path)):
        if above in tree.links:
            return f"{above} is a symbolic link"
        if above in tree and above != path:
            return f"{above} is a file, and not a folder"
    return None
