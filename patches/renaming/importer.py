"""One file that may import the module that is renamed, what all its searches need to know, and what they find."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from m2build.patches.modules import ModuleFile, Renaming, split
from m2build.patches.names import Names
from m2build.patches.renaming.flow import Flow, Value
from m2build.patches.renaming.meanings import Meanings
from m2build.patches.renaming.packages import Packages, Standing
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
        reason: why it is left alone.
    """

    offset: int
    reason: str


@dataclass(frozen=True)
class Importer:
    """One file that may import the module.

    Attributes:
        source: its text.
        syntax: the same, parsed.
        module: the file as the import system sees it.
        names: its bindings.
        renaming: what is renamed.
        new_package: what its relative imports start from after the renaming; another package than now if the file moves
            with its module.
        packages: what the modules of the tree export.
    """

    source: PythonSource
    syntax: ast.Module
    module: ModuleFile
    names: Names
    renaming: Renaming
    new_package: str
    packages: Packages

    @property
    def package(self) -> str:
        """What its relative imports start from."""
        return self.module.package

    @cached_property
    def meanings(self) -> Meanings:
        """What its expressions stand for."""
        return Meanings(self.names, self.module, self.packages)

    @cached_property
    def standing(self) -> Standing:
        """What the renaming does to `parent.name`, once the parent package is imported."""
        return self.packages.standing(self.renaming.old)

    @property
    def is_parent(self) -> bool:
        """Whether the file is the `__init__` of the module's package."""
        return self.module.name == self.module.package == split(self.renaming.old)[0] != ""

    def standing_in(self, node: ast.ImportFrom) -> Standing:
        """What the renaming does to the module's name in a `from parent import name` of this file."""
        before = self._before.get(node)
        return self.standing if before is None else self.packages.standing(self.renaming.old, before)

    @cached_property
    def _before(self) -> Mapping[ast.stmt, frozenset[Value]]:
        """In the parent package itself, what the name was before each such statement at the top level."""
        if not self.is_parent:
            return {}
        flow = Flow(self.packages, self.module.name, self.package, split(self.renaming.old)[1])
        flow.values_after(self.syntax, self.source.text.encode())
        return flow.before

    def where(self, node: ast.expr | ast.stmt) -> str:
        """The node's place, for messages."""
        return f"{self.source.path}:{node.lineno}"

    def left(self, node: ast.expr | ast.stmt, reason: str) -> Unrewritten:
        """A node that is left alone."""
        return Unrewritten(self.source.span(node)[0], reason)

    @cached_property
    def plain_imports(self) -> Mapping[ast.Import, tuple[str, ...]]:
        """The modules that each `import` imports without `as`, and so binds the first name of."""
        return {
            node: tuple(alias.name for alias in node.names if alias.asname is None)
            for node in self.names.imports
            if isinstance(node, ast.Import)
        }

    def root_uses_follow(self) -> bool:
        """Whether uses of a renamed top-level name must change, because `import name.x` binds it under its new name."""
        return any(name.startswith(f"{self.renaming.old}.") for names in self.plain_imports.values() for name in names)
