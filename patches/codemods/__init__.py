"""m2build's own codemods. Their names are loaded when they are asked for.

Example:
    >>> from m2build.patches import SourceTree, codemods
    >>> codemods.ReplaceText("app.py", "x = 1", "x = 2").apply(SourceTree.of({"app.py": "x = 1\\n"})).detail
    "'x = 1' replaced in app.py (line 1)"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.patches.codemods.files import AddFile, DeleteFile, ReplaceFile
    from m2build.patches.codemods.remove_decorator import RemoveDecorator
    from m2build.patches.codemods.rename_module import RenameModule
    from m2build.patches.codemods.replace_text import ReplaceText
    from m2build.patches.codemods.unified_diff import UnifiedDiff

_HOMES = {
    "AddFile": "m2build.patches.codemods.files",
    "DeleteFile": "m2build.patches.codemods.files",
    "RemoveDecorator": "m2build.patches.codemods.remove_decorator",
    "RenameModule": "m2build.patches.codemods.rename_module",
    "ReplaceFile": "m2build.patches.codemods.files",
    "ReplaceText": "m2build.patches.codemods.replace_text",
    "UnifiedDiff": "m2build.patches.codemods.unified_diff",
}
"""Where each name is defined."""

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


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
