"""`AddFile`, `ReplaceFile` and `DeleteFile`: whole files, each with the digests of what it replaces."""

from __future__ import annotations

import re
from dataclasses import dataclass

from m2build.documents.arguments import typed_arguments
from m2build.documents.shown import shown
from m2build.errors import UsageError
from m2build.patches.change import FileChange, Finding, Rewrite
from m2build.patches.paths import check_path, in_the_way
from m2build.patches.tree import SourceFile, SourceTree
from m2build.patches.vendored import Vendoring

_MODE = re.compile(r"0?[0-7]{3}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class AddFile(Vendoring):
    """Add the file `path` with the bytes of `file`.

    Found `already-applied`: it is there, with these bytes and this mode.
    Found `conflict`: something else is there, or above it.

    Raises:
        UsageError: the path is not one in a source tree, or the mode not three octal digits.

    Example:
        >>> import hashlib
        >>> content = b"x = 1\\n"
        >>> add = AddFile("x.py", hashlib.sha256(content).hexdigest(), "app/x.py", content=content)
        >>> add.apply(SourceTree.of({"app/__init__.py": ""})).detail
        'app/x.py is added'
    """

    path: str
    mode: str = "0644"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_path(self.path)
        _mode(self.mode)

    @typed_arguments
    def apply(self, tree: SourceTree) -> Rewrite:
        """Say what the addition does to `tree`."""
        problem = in_the_way(tree, self.path)
        if problem:
            return Rewrite(Finding.CONFLICT, problem)
        new = SourceFile.of(self.brought, _mode(self.mode))
        found = tree.get(self.path)
        if found is None:
            return Rewrite(Finding.CHANGED, f"{self.path} is added", (FileChange.created(self.path, new),))
        if found.state == new.state:
            return Rewrite(Finding.ALREADY_APPLIED, f"{self.path} exists already, with this content")
        return Rewrite(Finding.CONFLICT, f"{self.path} exists: {_what(found)}")


@dataclass(frozen=True)
class ReplaceFile(Vendoring):
    """Replace the file `path`, of a known content, by the bytes of `file`.

    `pre_images` are the SHA-256 of the contents that may be replaced. Without `mode` the file keeps its own.

    Found `already-applied`: it has these bytes and this mode.
    Found `absent`: there is no such file.
    Found `conflict`: its content is not among `pre_images`.

    Raises:
        UsageError: the path is not one in a source tree, the mode not three octal digits, or a digest not a SHA-256.

    Example:
        >>> import hashlib
        >>> old, new = b"x = 1\\n", b"x = 2\\n"
        >>> digests = [hashlib.sha256(content).hexdigest() for content in (old, new)]
        >>> replace = ReplaceFile("x.py", digests[1], "app/x.py", (digests[0],), content=new)
        >>> replace.apply(SourceTree.of({"app/x.py": old})).detail
        'app/x.py is replaced'
    """

    path: str
    pre_images: tuple[str, ...]
    mode: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_path(self.path)
        _check_pre_images(self.pre_images)
        if self.mode is not None:
            _mode(self.mode)

    @typed_arguments
    def apply(self, tree: SourceTree) -> Rewrite:
        """Say what the replacement does to `tree`."""
        problem = in_the_way(tree, self.path)
        if problem:
            return Rewrite(Finding.CONFLICT, problem)
        found = tree.get(self.path)
        if found is None:
            return Rewrite(Finding.ABSENT, f"{self.path} does not exist")
        new = SourceFile.of(self.brought, found.mode if self.mode is None else _mode(self.mode))
        if found.state == new.state:
            return Rewrite(Finding.ALREADY_APPLIED, f"{self.path} has this content already")
        if found.sha256 not in self.pre_images:
            return Rewrite(Finding.CONFLICT, f"{self.path} is not a file to replace: {_what(found)}")
        return Rewrite(Finding.CHANGED, f"{self.path} is replaced", (FileChange(self.path, found, self.path, new),))


@dataclass(frozen=True)
class DeleteFile:
    """Delete the file `path`, of a known content.

    `pre_images` are the SHA-256 of the contents that may be deleted.

    Found `already-applied`: its folder is there, and no such file.
    Found `absent`: not even its folder is there.
    Found `conflict`: its content is not among `pre_images`.

    Raises:
        UsageError: the path is not one in a source tree, or a digest not a SHA-256.

    Example:
        >>> import hashlib
        >>> DeleteFile("app/x.py", (hashlib.sha256(b"").hexdigest(),)).apply(SourceTree.of({"app/x.py": ""})).detail
        'app/x.py is deleted'
    """

    path: str
    pre_images: tuple[str, ...]

    def __post_init__(self) -> None:
        check_path(self.path)
        _check_pre_images(self.pre_images)

    @typed_arguments
    def apply(self, tree: SourceTree) -> Rewrite:
        """Say what the deletion does to `tree`."""
        problem = in_the_way(tree, self.path)
        if problem:
            return Rewrite(Finding.CONFLICT, problem)
        found = tree.get(self.path)
        if found is None:
            folder = self.path.rpartition("/")[0]
            is_there = not folder or folder in tree.folders
            return Rewrite(
                Finding.ALREADY_APPLIED if is_there else Finding.ABSENT,
                f"{self.path} does not exist" if is_there else f"the folder {folder} does not exist",
            )
        if found.sha256 not in self.pre_images:
            return Rewrite(Finding.CONFLICT, f"{self.path} is not a file to delete: {_what(found)}")
        return Rewrite(Finding.CHANGED, f"{self.path} is deleted", (FileChange.deleted(self.path, found),))


def _what(file: SourceFile) -> str:
    return f"its SHA-256 is {file.sha256}, its mode {file.mode & 0o777:04o}"


def _mode(mode: str) -> int:
    if not _MODE.fullmatch(mode):
        raise UsageError(f"the mode {shown(mode)} is not three octal digits", hint='in quotes, as in "0644" or "0755"')
    return int(mode, 8)


def _check_pre_images(digests: tuple[str, ...]) -> None:
    if not digests:
        raise UsageError("no pre-images are named", hint="pre_images: the SHA-256 of each content that may go")
    for digest in digests:
        if not _SHA256.fullmatch(digest):
            raise UsageError(f"{shown(digest)} is not a SHA-256: 64 hexadecimal digits in lower case")
