"""The file that libcst's tool runs a command on, as the codemods see files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.patches.modules import ModuleFile
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
