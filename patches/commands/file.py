"""The file that libcst's tool runs a command on, as the codemods see files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from m2build.patches.modules import ModuleFile
from m2build.patches.places import InexactError
from m2build.patches.text import PythonSource

if TYPE_CHECKING:
    import libcst as cst
    from libcst.codemod import CodemodContext


def source_of(module: cst.Module, path: str) -> PythonSource:
    """What libcst has read, as a text to search."""
    return PythonSource(path, module.code, module.encoding, b"")


def module_of(context: CodemodContext) -> ModuleFile:
    """The module that the tool has worked out from the file's path below the repository's root."""
    name, package = context.full_module_name or "", context.full_package_name or ""
    stem = f"{name}.__init__" if name and name == package else name
    return ModuleFile(f"{stem.replace('.', '/')}.py" if stem else "stdin", name, package)


def check_read_whole(context: CodemodContext, before: cst.Module, after: cst.Module) -> None:
    """Refuse to change a file of which libcst has lost something: the tool would write it without that.

    It drops a leading form feed, a final carriage return, and blank lines before a last line of spaces (libcst 1.9). A
    series changes such files, because these parts never reach libcst there.

    Raises:
        InexactError: the file holds what libcst has not read.
    """
    path = Path(context.filename or "")
    if after.code != before.code and path.is_file() and path.read_bytes() != before.bytes:
        raise InexactError(f"{path}: libcst does not reproduce this file byte for byte; change it with m2build patch")
