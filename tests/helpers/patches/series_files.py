"""A small series and a tree that it fits: one rename with importers, one decorator."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from helpers.patches.trees import Content, tree_of
from m2build.patches.applying import change_directory
from m2build.patches.change import Codemod
from m2build.patches.changeset import Changeset, apply_series
from m2build.patches.codemods.files import AddFile, DeleteFile
from m2build.patches.codemods.replace_text import ReplaceText
from m2build.patches.patch import Patch
from m2build.patches.registry import load_codemods
from m2build.patches.series import Series
from m2build.patches.tree import SourceTree

FILES: dict[str, Content] = {
    "pkg/__init__.py": "__version__ = '1.5'\n",
    "pkg/old.py": "value = 1\n",
    "pkg/my notes é.py": "from pkg import old\r\nfrom pkg.old import value\r\n",
    "pkg/norm.py": "import torch\n\n\nclass Norm:\n    @torch.compile(dynamic=True)\n    def forward(self): ...",
    "pkg/other.py": "# not concerned\n",
    "notes.md": "pkg.old\n",
}
RENAME: dict[str, Any] = {
    "id": "rename-old",
    "summary": "Rename pkg.old — so that it shadows nothing",
    "why": "It shadows something.\n\n- a list\n  > a quotation\n",
    "codemod": "rename-module",
    "parameters": {"module": "pkg.old", "to": "pkg.new"},
    "references": ("https://example.org/issues/1", "https://example.org/pull/2"),
    "releases": ">=1.0,<2",
    "when_absent": "target-gone",
    "accept": ("already-applied",),
    "author": "Jo Doe <jo@example.org>",
    "last_update": "2026-11-23",
}
DECORATOR: dict[str, Any] = {
    "id": "drop-compile",
    "summary": "Comment out torch.compile",
    "why": "It crashes.",
    "codemod": "remove-decorator",
    "parameters": {"module": "pkg.norm", "decorator": "torch.compile"},
    "releases": ">=1.2",
    "when_absent": "target-gone",
    "accept": ("already-applied", "not-needed"),
    "author": "Jo Doe <jo@example.org>",
    "last_update": "2026-11-24",
}


ADDED = b"value = 2\n"


def file_series(package: str, *kinds: str) -> Series:
    """A series that adds a file in a new folder, deletes a file, and replaces one; or does some of this.

    Args:
        package: the folder of `old.py` and `__init__.py`, which it deletes and edits.
        kinds: `add`, `delete`, `replace`.
    """
    old = hashlib.sha256(b"value = 1\n").hexdigest()
    codemods: dict[str, Codemod] = {
        "add": AddFile("new.py", hashlib.sha256(ADDED).hexdigest(), f"{package}/it's/new.py", "0755", content=ADDED),
        "delete": DeleteFile(f"{package}/old.py", (old,)),
        "replace": ReplaceText(f"{package}/__init__.py", "'1.5'", "'1.5.1'"),
    }
    patches = (
        Patch.of(codemods[kind], id=kind, summary="A file", why="Because.", author="Jo", last_update="2026-11-27")
        for kind in kinds
    )
    return Series.of(*patches, id="files", summary="Whole files", distribution="pkg")


def series_of(*patches: dict[str, Any]) -> Series:
    """A series of patches given as plain data."""
    made = tuple(Patch(**patch) for patch in patches)
    return Series(id="small", summary="A small series", distribution="pkg", patches=made)


def applied(tree: SourceTree | None = None, *patches: dict[str, Any]) -> Changeset:
    """The series on a tree; by default, both patches on the small tree."""
    return apply_series(series_of(*(patches or (RENAME, DECORATOR))), tree or tree_of(FILES), load_codemods())


def apply_changeset(changeset: Changeset, folder: Path) -> None:
    """Apply an existing changeset to a folder that may have changed since."""
    change_directory(changeset.series.id, folder, lambda: changeset)
