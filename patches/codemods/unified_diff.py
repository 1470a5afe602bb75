"""`UnifiedDiff`: a diff that others have written, applied exactly or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.patches.change import FileChange, Finding, Mention, MentionKind, Rewrite, net_changes
from m2build.patches.diffs.chosen import chosen, is_excluded
from m2build.patches.diffs.model import FileDiff, Kind, Step
from m2build.patches.diffs.parse import parse
from m2build.patches.diffs.place import Placed
from m2build.patches.diffs.trying import Both, State, try_both_ways
from m2build.patches.tree import SourceTree
from m2build.patches.vendored import Vendoring


@dataclass(frozen=True)
class UnifiedDiff(Vendoring):
    """Apply the diff in `file`, as `git diff`, `git format-patch`, `diff -ruN` and quilt write them, without fuzz.

    A hunk applies where all of its lines before stand: at the line that it says, moved as the hunk above it, or at the
    only other place. `strip` is how many parts of each name, such as `a/`, are not part of the path. `root` is the
    folder of the tree that the paths are in. `exclude` are globs over the names as they are written, without their
    first part if any is stripped: what to leave out.

    Found `already-applied`: all hunks stand there as they are afterwards.
    Found `absent`: the diff only deletes files, in folders that do not exist.
    Found `conflict`: some hunks cannot be applied, or some have been and others not; the mentions name each.

    Raises:
        UsageError: the file is not the pinned one, is not a diff, is malformed, or names what no source tree holds; or
            nothing of it is left.

    Example:
        >>> diff = b"--- a/app.py\\n+++ b/app.py\\n@@ -1 +1 @@\\n-x = 1\\n+x = 2\\n"
        >>> UnifiedDiff.of(diff).apply(SourceTree.of({"app.py": "x = 1\\n"})).detail
        '1 change made in 1 file'
    """

    strip: int = 1
    root: str = ""
    exclude: tuple[str, ...] = ()

    @classmethod
    @typed_arguments
    def of(
        cls, content: bytes, *, file: str = "the.patch", strip: int = 1, root: str = "", exclude: Iterable[str] = ()
    ) -> UnifiedDiff:
        """A diff whose bytes are at hand, without a file beside a series."""
        return cls(file, hashlib.sha256(content).hexdigest(), strip, root, tuple(exclude), content=content)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.strip < 0:
            raise UsageError(f"strip: {self.strip} is below 0")
        if self.content is not None:
            _ = self._steps

    @cached_property
    def _all(self) -> tuple[Step, ...]:
        return parse(self.brought, name=self.file, strip=self.strip)

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        return chosen(self._all, self.file, root=self.root, exclude=self.exclude)

    @cached_property
    def _left_out(self) -> tuple[FileDiff, ...]:
        return tuple(diff for step in self._all for diff in step if is_excluded(diff, self.exclude, self.file))

    @typed_arguments
    def apply(self, tree: SourceTree) -> Rewrite:
        """Say what the diff does to `tree`. Only the files that it names are read."""
        steps = try_both_ways(self._steps, tree)
        tried = [both for step in steps for both in step]
        states = {both.state for both in tried} - {State.OPEN}
        if states <= {State.BEFORE}:
            changes = net_changes([both.forth.change for both in step if both.forth.change] for step in steps)
            rewrite = self._changed(tried, changes)
        elif states == {State.AFTER}:
            rewrite = _nothing_to_do(tried, tree)
        else:
            from m2build.patches.diffs.conflict import conflict

            rewrite = conflict(self.file, tried, tree)
        return self._with_left_out(rewrite)

    def _changed(self, tried: Sequence[Both], changes: tuple[FileChange, ...]) -> Rewrite:
        if not changes:
            return Rewrite(Finding.ABSENT, "the parts of the diff cancel each other out")
        moved = [
            Mention(one.diff.new.path or "", placed.position + 1, self._distance(placed), MentionKind.MOVED)
            for one in (both.forth for both in tried)
            for placed in one.hunks
            if isinstance(placed, Placed) and placed.offset
        ]
        detail = f"{_counted(_parts(tried), 'change')} made in {_counted(len(changes), 'file')}"
        if moved:
            detail += f", {len(moved)} of them at an offset"
        return Rewrite(Finding.CHANGED, detail, changes, tuple(moved))

    def _distance(self, placed: Placed) -> str:
        lines, way = _counted(abs(placed.offset), "line"), "down" if placed.offset > 0 else "up"
        return f"the hunk at {self.file}:{placed.hunk.line} stands {lines} further {way}"

    def _with_left_out(self, rewrite: Rewrite) -> Rewrite:
        if not self._left_out:
            return rewrite
        mentions = (
            Mention(diff.new.written, None, f"excluded; changed at {self.file}:{diff.line}", MentionKind.LEFT_OUT)
            for diff in self._left_out
        )
        detail = f"{rewrite.detail}; {_counted(len(self._left_out), 'file')} of the diff left out"
        return replace(rewrite, detail=detail, mentions=(*rewrite.mentions, *mentions))


def _nothing_to_do(tried: Sequence[Both], tree: SourceTree) -> Rewrite:
    """What is there already; of files that are to be deleted, at least their folders."""
    for diff in (both.forth.diff for both in tried):
        folder = (diff.new.path or "").rpartition("/")[0]
        if diff.kind is not Kind.DELETE or not folder or folder in tree.folders:
            return Rewrite(Finding.ALREADY_APPLIED, f"{_counted(_parts(tried), 'change')} there already")
    return Rewrite(Finding.ABSENT, "neither the files to delete nor their folders exist")


def _parts(tried: Sequence[Both]) -> int:
    """How many hunks there are, and files without any."""
    return sum(len(both.forth.diff.hunks) or 1 for both in tried)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
