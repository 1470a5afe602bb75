"""Codemods, patches, series and changesets: what may be changed in a source tree, and the account of it.

A library of its own, for which no image is needed. Its names are loaded when they are asked for.

Example:
    >>> from m2build import patches
    >>> tree = patches.SourceTree.of({"app.py": "import torch\\n\\n@torch.compile\\ndef f(): ...\\n"})
    >>> print(patches.RemoveDecorator("app", "torch.compile").apply(tree).detail)
    torch.compile commented out on f (line 3) in app.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from m2build.patches.applying import apply_to_directory, revert_directory
    from m2build.patches.change import Codemod, FileChange, Finding, Mention, Proof, Rewrite, changed_tree
    from m2build.patches.changeset import Changeset, Outcome, PatchResult, apply_series
    from m2build.patches.codemods.remove_decorator import RemoveDecorator
    from m2build.patches.codemods.rename_module import RenameModule
    from m2build.patches.foreign.codemod import LibcstCodemod
    from m2build.patches.patch import Patch
    from m2build.patches.pypi import fetch_wheel
    from m2build.patches.series import Series, load_series
    from m2build.patches.series_text import series_names
    from m2build.patches.sources import from_directory, from_wheel
    from m2build.patches.tree import SourceFile, SourceTree
    from m2build.patches.writing import write_tree

_MODULES = {
    "applying": ("apply_to_directory", "revert_directory"),
    "change": ("Codemod", "FileChange", "Finding", "Mention", "Proof", "Rewrite", "changed_tree"),
    "changeset": ("Changeset", "Outcome", "PatchResult", "apply_series"),
    "codemods.remove_decorator": ("RemoveDecorator",),
    "codemods.rename_module": ("RenameModule",),
    "foreign.codemod": ("LibcstCodemod",),
    "patch": ("Patch",),
    "pypi": ("fetch_wheel",),
    "series": ("Series", "load_series"),
    "series_text": ("series_names",),
    "sources": ("from_directory", "from_wheel"),
    "tree": ("SourceFile", "SourceTree"),
    "writing": ("write_tree",),
}
"""Where the public names stand. `__all__` and the imports for type checkers say the same, and tests hold them to it."""

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
    "Proof",
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


if not TYPE_CHECKING:  # or a misspelt name would have a type

    def __getattr__(name: str) -> object:
        """Load a public name, and keep it (PEP 562)."""
        from importlib import import_module

        for module, names in _MODULES.items():
            if name in names:
                found = getattr(import_module(f"{__name__}.{module}"), name)
                globals()[name] = found
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
