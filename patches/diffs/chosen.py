"""Which files of a diff are meant, and where in a tree they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from m2build.errors import UsageError
from m2build.patches.diffs.model import FileDiff, Name, Step
from m2build.patches.globs import glob_pattern
from m2build.patches.paths import check_path

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def chosen(steps: Iterable[Step], file: str, *, root: str, exclude: Sequence[str]) -> tuple[Step, ...]:
    """The steps without what is excluded, with paths below a folder of the tree.

    Args:
        steps: the diff.
        file: what it is called in messages.
        root: the folder; empty for the top of the tree.
        exclude: globs over the names as they are written.

    Raises:
        UsageError: the root is not a folder, nothing is left, or something cannot be applied to the text files
            of a tree.
    """
    if root:
        check_path(root)
    left = [tuple(diff for diff in step if not is_excluded(diff, exclude, file)) for step in steps]
    if not any(left):
        raise UsageError(f"{file}: all files of the diff are excluded")
    for diff in (diff for step in left for diff in step):
        _check(diff, file)
    _check_heads(left, file)
    return tuple(tuple(_below(root, diff) for diff in step) for step in left if step)


def is_excluded(diff: FileDiff, exclude: Sequence[str], file: str) -> bool:
    """Whether globs match the names of a file's diff.

    Raises:
        UsageError: a file is renamed or copied from what is excluded, or to it.
    """
    if not exclude:
        return False
    pattern = glob_pattern(exclude)
    old, new = (pattern.fullmatch(name.written) is not None for name in (diff.old, diff.new))
    if old != new:
        raise UsageError(
            f"{file}:{diff.line}: {diff.old} becomes {diff.new}, and only one of them is excluded",
            hint="exclude both or neither",
        )
    return new


def _check(diff: FileDiff, file: str) -> None:
    where = f"{file}:{diff.line}"
    for name in (diff.old, diff.new):
        if name.path is None:
            raise UsageError(
                f"{where}: the name {name} has too few parts to strip", hint="exclude it, or set another strip"
            )
        try:
            check_path(name.path)
        except UsageError as error:
            raise UsageError(f"{where}: {error}", hint=error.hint) from error
        if _DRIVE.match(name.path):
            raise UsageError(f"{where}: {name} is on a drive of its own, and not in a source tree")
    if diff.refusal:
        raise UsageError(
            f"{where}: {diff.new} {diff.refusal}, and a diff can change text files only",
            hint=f"if the tree does not need it: exclude: [{str(diff.new)!r}]",
        )


def _check_heads(steps: Iterable[Step], file: str) -> None:
    """See that the same folders are stripped of all names: what is in others does not belong to the tree.

    The first part is `a/` in one name and `b/` in the other, and does not count.
    """
    heads: list[dict[str, FileDiff]] = [{}, {}]
    for diff in (diff for step in steps for diff in step):
        for name, known in zip((diff.old, diff.new), heads, strict=True):
            known.setdefault(name.written.removesuffix(name.path or ""), diff)
            if len(known) > 1:
                (one, _), (other, second) = known.items()
                raise UsageError(
                    f"{file}:{second.line}: strip takes {other!r} from {second.new}, and {one!r} from other names",
                    hint="only one folder of a repository is a source tree: exclude the files of the others",
                )


def _below(root: str, diff: FileDiff) -> FileDiff:
    if not root:
        return diff
    old, new = (Name(name.written, f"{root}/{name.path}") for name in (diff.old, diff.new))
    return replace(diff, old=old, new=new)
