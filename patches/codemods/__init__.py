"""m2build's own codemods. Their names are loaded when they are asked for.

Example:
    >>> from m2build.patches import SourceTree, codemods
    >>> codemods.ReplaceText("app.py", "x = 1", "x = 2").apply(SourceTree.of({"app.py": "x = 1\\n"})).detail
    "'x = 1' replaced in app.py (line 1)"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from m2build.patches.codemods.files import AddFile, DeleteFile, ReplaceFile
    from m2build.patches.codemods.remove_decorator import RemoveDecorator
    from m2build.patches.codemods.rename_module import RenameModule
    from m2build.patches.codemods.replace_text import ReplaceText
    from m2build.patches.codemods.unified_diff import UnifiedDiff

_HOMES = {
    "AddFile": "files",
    "DeleteFile": "files",
    "RemoveDecorator": "remove_decorator",
    "RenameModule": "rename_module",
    "ReplaceFile": "files",
    "ReplaceText": "replace_text",
    "UnifiedDiff": "unified_diff",
}
"""The module of each."""

__all__ = [
    "AddFile",
    "DeleteFile",
    "RemoveDecorator",
    "RenameModule",
    "ReplaceFile",
    "ReplaceText",
    "UnifiedDiff",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # or type checkers would take a misspelt name for an object

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name not in _HOMES:
            raise AttributeError(f"module 'm2build.patches.codemods' has no attribute {name!r}")
        found = getattr(import_module(f"m2build.patches.codemods.{_HOMES[name]}"), name)
        globals()[name] = found
        return found
