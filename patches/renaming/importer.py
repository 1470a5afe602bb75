"""One file that may import the module that is renamed, and what all its rewriters need to know of it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from m2build.patches.modules import Renaming, split
from m2build.patches.names import Names
from m2build.patches.text import PythonSource


class InexactError(Exception):
    """The file reaches the module in a way that cannot be rewritten exactly."""


@dataclass(frozen=True)
class Unrewritten:
    """A place that names the module in a way that is seen and left alone.

    Attributes:
        offset: where it begins in the source before the edits.
    """

    offset: int


@dataclass(frozen=True)
class Importer:
    """One file that may import the module.

    Attributes:
        source: its text.
        names: its bindings.
        renaming: what is renamed.
        package: what its relative imports start from.
        new_package: the same after the renaming; another one if the file moves with its module.
        shadowed: whether the module's parent package binds its last name to something else, so that
            `from parent import name` and `parent.name` are not the module.
    """

    source: PythonSource
    names: Names
    renaming: Renaming
    package: str
    new_package: str
    shadowed: bool

    def where(self, node: ast.expr) -> str:
        """The node's place, for messages."""
        return f"{self.source.path}:{node.lineno}"

    def plain_imports(self) -> frozenset[str]:
        """What `import a.b.c` without `as` makes reachable by its dotted name: `a.b.c`, `a.b` and `a`."""
        found = set()
        for node in self.names.imports:
            for alias in node.names if isinstance(node, ast.Import) else ():
                name = alias.name if alias.asname is None else ""
                while name:
                    found.add(name)
                    name = split(name)[0]
        return frozenset(found)

    def root_uses_follow(self) -> bool:
        """Whether uses of a renamed top-level name must change, because `import name.x` binds it under its new name."""
        return any(name.startswith(f"{self.renaming.old}.") for name in self.plain_imports())
