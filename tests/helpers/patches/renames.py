"""A small package in which a module is renamed, and every form of import before and after."""

from __future__ import annotations

from helpers.patches.trees import cases_in
from m2build.patches.codemods.rename_module import RenameModule

OLD = "def f(x=1):\n    return ('f', x)\n\n\nclass C:\n    kind = 'C'\n\n\nvalue = 7\n"
TREE = {
    "a/__init__.py": "",
    "a/b/__init__.py": "",
    "a/b/old.py": OLD,
    "a/b/x.py": "value = 'x'\n",
    "a/b/y.py": "value = 'y'\n",
    "a/c/__init__.py": "",
    "a/c/deep/__init__.py": "",
    # Imports every module that exists, as SGLang's model registry does.
    "a/c/load.py": "import importlib, pkgutil, a.b\n"
    "for m in pkgutil.iter_modules(a.b.__path__): importlib.import_module('a.b.' + m.name)\n",
}
RENAME = RenameModule("a.b.old", "a.b.new")
CHANGES = [(name, path, *body.split("--- becomes\n")) for name, path, body in cases_in("rename_changes.txt")]
