"""A build context as a value, and as a folder: new, unchanged, or replaced on request."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.local.sorted_paths import SortedPaths
from m2build.rendering.values import ACCOUNT_SOURCE

DOCKERFILE = "Dockerfile"
IGNORE = ".dockerignore"
BAKE_FILE = "docker-bake.json"
"""The file that bake reads first, in a context of several images."""


class Context(SortedPaths[bytes]):
    """The files of a build context by their paths, sorted; immutable."""

    def __repr__(self) -> str:
        return f"<Context: {len(self)} files>"

    @property
    def dockerfile(self) -> str:
        """The text of the Dockerfile.

        Raises:
            KeyError: the context is of several images, each with its own `NAME.Dockerfile`.
        """
        return self[DOCKERFILE].decode()

    @typed_arguments
    def write(self, folder: str | PathLike[str], *, replace: bool = False) -> None:
        """Write a folder of these files: under a temporary name, then renamed. An equal folder is left as it is.

        Args:
            folder: the folder to write.
            replace: whether another context written by m2build may be replaced; other files never are.

        Raises:
            UsageError: the folder has other content.
            StorageError: something cannot be written; nothing is left half-written.
        """
        from m2build.patches.writing import write_files

        path = Path(folder)
        write_files(self, path, may_replace=lambda there: _is_ours(there) and _may_go(path, replace=replace))


def ignoring(copied: Iterable[str]) -> bytes:
    """A `.dockerignore` for everything but what is copied, so that no other file in the folder gets into the image."""
    return "".join(f"{line}\n" for line in ("*", *(f"!{path}" for path in sorted(copied)))).encode()


def holds_contexts_only(files: Iterable[str], ignore: bytes) -> bool:
    """Whether a folder has only files that a context writes. Pure.

    Its `.dockerignore` lists what is copied, and so says which files are ours.

    Args:
        files: the folder's files, as paths relative to it.
        ignore: the content of its `.dockerignore`.
    """
    copied = {line[1:] for line in ignore.decode(errors="replace").splitlines() if line.startswith("!")}
    is_ours = ignore == ignoring(copied) and all(path.startswith(ACCOUNT_SOURCE) for path in copied)
    own = copied | {DOCKERFILE, IGNORE, BAKE_FILE}
    return is_ours and all(path in own or path.endswith(f".{DOCKERFILE}") for path in files)


def _is_ours(folder: Path) -> bool:
    try:
        ignore = (folder / IGNORE).read_bytes()
    except OSError:
        return False
    found = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    return holds_contexts_only((path.relative_to(folder).as_posix() for path in found), ignore)


def _may_go(folder: Path, *, replace: bool) -> bool:
    if not replace:
        hint = "name a new folder, or replace that one with --replace"
        raise UsageError(f"{folder} exists already, and holds another context", hint=hint)
    return True
