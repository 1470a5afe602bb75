"""Writing a new folder of files, or a whole tree: under a temporary name, then renamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from m2build.documents.arguments import typed_arguments
from m2build.errors import ContentError, StorageError
from m2build.local.folders import nothing, output_folder
from m2build.local.held import HeldFolder, PathRefusedError, hold
from m2build.patches.tree import SourceFile, SourceTree


def write_files(files: Mapping[str, bytes], folder: Path, *, may_replace: Callable[[Path], bool] = nothing) -> None:
    """Write a new folder of files: under a temporary name, then renamed; the same folder again is left as it is.

    Args:
        files: path -> bytes.
        folder: where they go.
        may_replace: whether a folder that is there and holds something else may go.

    Raises:
        UsageError: something else is there.
        ContentError: a path points out of the folder, or passes through a link.
        StorageError: something cannot be written.
    """
    tree = SourceTree({path: SourceFile.of(content) for path, content in files.items()}, origin="files")
    write_tree(tree, folder, may_replace=may_replace)


@typed_arguments
def write_tree(tree: SourceTree, folder: Path, *, may_replace: Callable[[Path], bool] = nothing) -> None:
    """Write a whole tree as a new folder: under a temporary name, then renamed; the same again is left as it is.

    Args:
        tree: the files, with their modes, and the symbolic links.
        folder: where they go.
        may_replace: whether a folder that is there and holds something else may go.

    Raises:
        UsageError: something else is there.
        ContentError: a path points out of the folder, or passes through a link.
        StorageError: something cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_tree(SourceTree.of({"app/__init__.py": "x = 1"}), Path(folder, "new"))
        ...     Path(folder, "new/app/__init__.py").read_text()
        'x = 1'
    """
    with _translated(folder), output_folder(folder, may_replace=may_replace) as staging, hold(staging) as held:
        _fill(held, tree)


def _fill(folder: HeldFolder, tree: SourceTree) -> None:
    for path, file in tree.items():
        folder.write(path, file.content, file.mode)
    for path, destination in tree.links.items():
        folder.link(path, destination)


@contextmanager
def _translated(where: Path) -> Iterator[None]:
    try:
        yield
    except PathRefusedError as error:
        raise ContentError(f"{error.filename} {error.strerror}; nothing was written") from error
    except OSError as error:
        raise StorageError(
            f"{error.filename or where} cannot be written: {error.strerror}; nothing was changed"
        ) from error
