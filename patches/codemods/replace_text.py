"""`ReplaceText`: an exact piece of text in one file, found as often as expected."""

from __future__ import annotations

from dataclasses import dataclass

from m2build.documents.arguments import check_fields, typed_arguments
from m2build.documents.shown import check_text, shown
from m2build.errors import UsageError
from m2build.patches.change import FileChange, Finding, Proof, Rewrite
from m2build.patches.paths import check_path, in_the_way
from m2build.patches.tree import SourceFile, SourceTree


@dataclass(frozen=True)
class ReplaceText:
    """Replace `old` by `new` in the file `path`, where `old` is found exactly `count` times.

    Line ends in `old` and `new` are those of the file. If `new` contains `old`, what is inside a `new` is done already.

    Found `already-applied`: no `old` is left, and `new`, which is not empty, is there `count` times at least.
    Found `absent`: there is no such file.
    Found `conflict`: `old` is found another number of times, or the file is not UTF-8 text, or it is a link.

    Raises:
        UsageError: the path is not one in a source tree, `old` is empty or equals `new`, one of them cannot be
            written as UTF-8, or the count is below 1.

    Example:
        >>> tree = SourceTree.of({"app.py": "LIMIT = 16\\n"})
        >>> ReplaceText("app.py", "LIMIT = 16", "LIMIT = 64").apply(tree).detail
        "'LIMIT = 16' replaced in app.py (line 1)"
    """

    path: str
    old: str
    new: str
    count: int = 1

    def __post_init__(self) -> None:
        check_fields(self)
        check_path(self.path)
        if not self.old or self.old == self.new:
            raise UsageError("the text to replace is empty" if not self.old else "the text would replace itself")
        for text in (self.old, self.new):
            check_text(text)
        if self.count < 1:
            raise UsageError(f"the count {self.count} is below 1")

    @typed_arguments
    def apply(self, tree: SourceTree) -> Rewrite:
        """Say what the replacement does to `tree`."""
        problem = in_the_way(tree, self.path)
        if problem:
            return Rewrite(Finding.CONFLICT, problem)
        if self.path not in tree:
            return Rewrite(Finding.ABSENT, f"{self.path} does not exist")
        before = tree[self.path]
        try:
            text = before.content.decode()
        except UnicodeDecodeError as error:
            return Rewrite(Finding.CONFLICT, f"{self.path} is not UTF-8 text: {error.reason} at byte {error.start}")
        found = _Places(text, *(_with_ends_of(text, part) for part in (self.old, self.new)))
        return self._replaced(before, found) if found.open else self._nothing_to_do(found)

    def _replaced(self, before: SourceFile, found: _Places) -> Rewrite:
        if len(found.open) != self.count or found.done:
            return self._other_number(found)
        after = found.replaced()
        if _Places(after, found.old, found.new).open:
            return Rewrite(Finding.CONFLICT, f"{self.path} would hold {shown(self.old)} again after the replacement")
        lines = ", ".join(str(_line(found.text, start)) for start in found.open)
        return Rewrite(
            Finding.CHANGED,
            f"{shown(self.old)} replaced in {self.path} (line {lines})",
            (FileChange(self.path, before, self.path, SourceFile.of(after.encode(), before.mode)),),
            proof=Proof("find", self.count),
        )

    def _nothing_to_do(self, found: _Places) -> Rewrite:
        if self.new and found.text.count(found.new) >= self.count:
            return Rewrite(Finding.ALREADY_APPLIED, f"{self.path} holds {shown(self.new)} already")
        return self._other_number(found)

    def _other_number(self, found: _Places) -> Rewrite:
        also = f", and replaced already {len(found.done)} times" if found.done else ""
        times = f"{len(found.open)} times{also}, expected {self.count}"
        return Rewrite(Finding.CONFLICT, f"{shown(self.old)} is in {self.path} {times}")


class _Places:
    """Where a text has to be replaced, and where it was.

    Attributes:
        open: the positions of `old` outside of any `new`.
        done: those inside one.
    """

    def __init__(self, text: str, old: str, new: str) -> None:
        self.text, self.old, self.new = text, old, new
        inside = [(at, at + len(new)) for at in _positions(text, new)] if old in new else []
        found = _positions(text, old)
        self.done = [at for at in found if any(start <= at and at + len(old) <= end for start, end in inside)]
        self.open = sorted(set(found) - set(self.done))

    def replaced(self) -> str:
        pieces, last = [], 0
        for at in self.open:
            pieces += [self.text[last:at], self.new]
            last = at + len(self.old)
        return "".join([*pieces, self.text[last:]])


def _positions(text: str, part: str) -> list[int]:
    found, at = [], text.find(part)
    while at >= 0:
        found.append(at)
        at = text.find(part, at + len(part))
    return found


def _with_ends_of(text: str, part: str) -> str:
    """A part with Windows' line ends if the text has no others."""
    is_windows = "\r\n" in text and text.count("\n") == text.count("\r\n")
    return part.replace("\r\n", "\n").replace("\n", "\r\n") if is_windows else part


def _line(text: str, position: int) -> int:
    """The line of a position, counted from 1."""
    return text.count("\n", 0, position) + 1
