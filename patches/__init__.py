"""Codemods, patches, series and changesets: what may be changed in a source tree, and the account of it.

A library of its own, which needs no image. Its names are loaded when they are used.

Example:
    >>> from m2build import patches
    >>> tree = patches.SourceTree.of({"app.py": "import torch\\n\\n@torch.compile\\ndef f(): ...\\n"})
    >>> print(patches.RemoveDecorator("app", "torch.compile").apply(tree).detail)
    torch.compile commented out on f (line 3) in app.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.patches.applying import apply_to_directory, revert_directory
    from m2build.patches.change import Codemod, FileChange, Finding, Mention, Rewrite, changed_tree
    from m2build.patches.changeset import Changeset, Outcome, PatchResult, apply_series
    from m2build.patches.codemods.remove_decorator import RemoveDecorator
    from m2build.patches.codemods.rename_module import RenameModule
    from m2build.patches.foreign.codemod import LibcstCodemod
    from m2build.patches.loading import load_series
    from m2build.patches.patch import Patch
    from m2build.patches.pypi import fetch_wheel
    from m2build.patches.series import Series
    from m2build.patches.series_text import series_names
    from m2build.patches.sources import from_directory, from_wheel
    from m2build.patches.tree import SourceFile, SourceTree
    from m2build.patches.writing import write_tree

_HOMES = {
    "Changeset": "m2build.patches.changeset",
    "Codemod": "m2build.patches.change",
    "FileChange": "m2build.patches.change",
    "Finding": "m2build.patches.change",
    "LibcstCodemod": "m2build.patches.foreign.codemod",
    "Mention": "m2build.patches.change",
    "Outcome": "m2build.patches.changeset",
    "Patch": "m2build.patches.patch",
    "PatchResult": "m2build.patches.changeset",
    "RemoveDecorator": "m2build.patches.codemods.remove_decorator",
    "RenameModule": "m2build.patches.codemods.rename_module",
    "Rewrite": "m2build.patches.change",
    "Series": "m2build.patches.series",
    "SourceFile": "m2build.patches.tree",
    "SourceTree": "m2build.patches.tree",
    "apply_series": "m2build.patches.changeset",
    "apply_to_directory": "m2build.patches.applying",
    "changed_tree": "m2build.patches.change",
    "fetch_wheel": "m2build.patches.pypi",
    "from_directory": "m2build.patches.sources",
    "from_wheel": "m2build.patches.sources",
    "load_series": "m2build.patches.loading",
    "revert_directory": "m2build.patches.applying",
    "series_names": "m2build.patches.series_text",
    "write_tree": "m2build.patches.writing",
}
"""Where each name is defined."""

__all__ = [
    "Changeset",
    "Codemod",
    "FileChange",
    "Finding",
    "LibcstCodemod",
    "Mention",
    "Outcome",
    "Patch",
    "PatchResult",
    "RemoveDecorator",
    "RenameModule",
    "Rewrite",
    "Series",
    "SourceFile",
    "SourceTree",
    "apply_series",
    "apply_to_directory",
    "changed_tree",
    "fetch_wheel",
    "from_directory",
    "from_wheel",
    "load_series",
    "revert_directory",
    "series_names",
    "write_tree",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
