"""One file that may import the module that is renamed, what all its searches need to know, and what they find."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from m2build.patches.modules import Renaming, split
from m2build.patches.names import Names
from m2build.patches.text import PythonSource


@dataclass(frozen=True)
class NewImport:
    """What an import statement is to become.

    Attributes:
        module: how the `from` part is to be spelled, leading dots included; None leaves it.
        names: position of an imported name -> what it is called now, followed by ` as OLD` where its binding has to be
            kept and the statement does not say `as` already.
        own: position of an imported name -> the statement of its own that it needs instead.
    """

    module: str | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    own: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LastName:
    """The last name of a dotted use changes."""

    name: str


@dataclass(frozen=True)
class Expression:
    """A use or a string is replaced as a whole."""

    code: str


New = NewImport | LastName | Expression


@dataclass(frozen=True)
class Unrewritten:
    """A place that names the module in a way that is seen and left alone.

    Attributes:
        offset: where it begins in the source.
    """

    offset: int


@dataclass(frozen=True)
class Importer:
    """One file that may import the module.

    Attributes:
        source: its text.
        syntax: the same, parsed.
        names: its bindings.
        renaming: what is renamed.
        package: what its relative imports start from.
        new_package: the same after the renaming; another one if the file moves with its module.
        shadowed: whether the module's parent package binds its last name to something else, so that
            `from parent import name` and `parent.name` are not the module.
    """

    source: PythonSource
    syntax: ast.Module
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
