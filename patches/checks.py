"""Whether a codemod's changes fit the tree that it was given; it may be another distribution's."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from m2build.errors import PatchError
from m2build.patches.change import FileChange
from m2build.patches.tree import SourceFile, SourceTree, folders_above


def check_changes(changes: Collection[FileChange], tree: SourceTree, codemod: str) -> None:
    """Check changes against their tree.

    Args:
        changes: those of one `Rewrite`.
        tree: the tree that the codemod was given.
        codemod: its name in messages.

    Raises:
        PatchError: a change starts from another file than the tree's, ends outside it or where something else is, or
            two changes are of the same file.
    """
    for problem in _problems(changes, tree):
        raise PatchError(f"the codemod {codemod} is faulty: {problem}")


def _problems(changes: Collection[FileChange], tree: SourceTree) -> Iterable[str]:
    for change in changes:
        before = tree.get(change.old_path) if change.before else None
        if change.before and not _is_same(before, change.before):
            yield f"{change.old_path!r} is not the file that it changes"
        if change.before is change.after is None:
            yield f"{change.path!r} exists neither before nor after the change"
        if change.renamed and not (change.before and change.after):
            yield f"it renames {change.old_path!r}, but gives only one of its two states"
        if not {"", ".", ".."}.isdisjoint(change.path.split("/")):
            yield f"{change.path!r} is not a path in a tree"
    left = [change.old_path for change in changes if change.before]
    gone = {*left}
    for path in _repeated(left):
        yield f"it changes {path!r} twice"
    arriving = [change.path for change in changes if change.after]
    for path in _repeated(arriving):
        yield f"it writes {path!r} twice"
    new = {*arriving}
    for path in arriving:
        if _is_taken(path, tree, gone):
            yield f"{path!r} exists already"
        yield from (
            f"{path!r} is below {above!r}, which is not a folder"
            for above in folders_above(path)
            if above in new or above in tree.links or (above in tree and above not in gone)
        )


def _is_same(there: SourceFile | None, before: SourceFile) -> bool:
    """Whether a change starts from what is there; mostly it has that very value, whose digest need not be known."""
    return there is before or (there is not None and there.sha256 == before.sha256)


def _is_taken(path: str, tree: SourceTree, gone: Collection[str]) -> bool:
    """Whether something is at a path that no change moves away; the folders of a tree take longest to find."""
    if path in tree:
        return path not in gone
    if path not in tree.folders:
        return path in tree.links
    below = (other for other in (*tree, *tree.links) if other.startswith(f"{path}/"))
    return not all(other in gone for other in below)


def _repeated(paths: list[str]) -> list[str]:
    return sorted({path for path in paths if paths.count(path) > 1})
