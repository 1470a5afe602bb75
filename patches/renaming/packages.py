"""What the modules of a tree export: which module or other thing a name of theirs stands for.

A package's name may come from its own statements, from what it imports everything of, or from the import of a
submodule, which sets it as a side effect (Python reference, 5.4.2, "Submodules"). Modules are parsed when a name of
theirs is asked for, and only if their text can bind it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from m2build.errors import PatchError
from m2build.patches.modules import SUFFIXES, split
from m2build.patches.renaming.files import Files
from m2build.patches.renaming.flow import Flow, Sort, Value, bound_names
from m2build.patches.text import read_python

_STAR = re.compile(rb"\bimport\s*(?:\\\s*)?\*")
_MODULES = frozenset({Sort.UNBOUND, Sort.SUBMODULE, Sort.BOUND})


@dataclass(frozen=True)
class Meaning:
    """What an expression may stand for.

    Attributes:
        modules: modules of the tree.
        certain: whether it can be nothing but one of these.
    """

    modules: frozenset[str] = frozenset()
    certain: bool = True

    def or_else(self, other: Meaning) -> Meaning:
        """What either may stand for."""
        return Meaning(self.modules | other.modules, self.certain and other.certain)


UNKNOWN = Meaning(certain=False)


@dataclass(frozen=True)
class _Module:
    """The file of one module."""

    name: str
    package: str
    content: bytes
    syntax: ast.Module


class Standing(Enum):
    """What becomes of `package.name` when the module of that name is renamed."""

    FOLLOWS = auto()
    """It is the module, and has to follow it."""
    KEPT = auto()
    """It stays what it is: the package binds the name itself."""
    UNSURE = auto()
    """It may be the module or something else."""


class Packages:
    """The modules of a tree, each parsed once and only if it is needed."""

    def __init__(self, files: Files, assumed: str) -> None:
        """Take the tree.

        Args:
            files: where its modules are.
            assumed: a module that counts as existing, with the packages above it, whether or not it still does.
        """
        self._files = files
        self._assumed = f"{assumed}."
        self._modules: dict[str, _Module | None] = {}
        self._contents: dict[str, tuple[str, bytes] | None] = {}
        self._values: dict[tuple[str, str], frozenset[Value]] = {}
        self._active: set[str] = set()
        self._exported: dict[str, frozenset[str] | None] = {}

    def exists(self, module: str) -> bool:
        """Whether the tree has a module, or a folder of that name."""
        if self._assumed.startswith(f"{module}."):
            return True
        return self._content(module) is not None or self._files.has_folder(module.replace(".", "/"))

    def resolve(self, dotted: str) -> Meaning:
        """What the last name of a dotted path stands for, which starts at a top-level module."""
        root, _, rest = dotted.partition(".")
        found = Meaning(frozenset([root])) if self.exists(root) else UNKNOWN
        for name in rest.split(".") if rest else ():
            found = self.member(found, name)
        return found

    def member(self, of: Meaning, name: str) -> Meaning:
        """What an attribute stands for."""
        found = Meaning(certain=of.certain)
        for module in of.modules:
            found = found.or_else(self._member(module, name))
        return found

    def _member(self, module: str, name: str) -> Meaning:
        below = f"{module}.{name}"
        if below in self._active:
            return Meaning()  # modules that import a name from each other in a circle
        self._active.add(below)
        found, values = Meaning(), self.values(module, name)
        for value in values:
            if isinstance(value, str):
                found = found.or_else(self.resolve(value))
            elif value in _MODULES and self.exists(below):
                found = found.or_else(Meaning(frozenset([below])))
            elif value is Sort.OTHER or values == {Sort.UNBOUND}:
                found = found.or_else(UNKNOWN)
        self._active.remove(below)
        return found

    def standing(self, module: str, values: frozenset[Value] | None = None) -> Standing:
        """What a renaming of a module does to `package.name`.

        Args:
            module: the module that is renamed.
            values: what is bound to its name in its package; by default, once the package is imported.
        """
        package, name = split(module)
        values = self.values(package, name) if values is None else values
        paths = [self.resolve(value) for value in values if isinstance(value, str)]
        is_bound = Sort.BOUND in values or Meaning(frozenset([module])) in paths
        is_set = not values.isdisjoint({Sort.UNBOUND, Sort.SUBMODULE})
        if Sort.OTHER in values or any(path != Meaning(frozenset([module])) for path in paths):
            return Standing.UNSURE if is_bound or is_set else Standing.KEPT
        if Sort.FALLBACK not in values:
            return Standing.FOLLOWS
        return Standing.UNSURE if is_set else Standing.KEPT

    def keeps_name(self, module: str) -> bool:
        """Whether statements of its package bind a module's name, which they go on doing after a renaming."""
        package, name = split(module)
        return self.values(package, name).isdisjoint({Sort.UNBOUND, Sort.SUBMODULE})

    def values(self, module: str, name: str) -> frozenset[Value]:
        """What the statements of a module leave bound to a name; `Sort.UNBOUND` alone if they do not bind it."""
        key = module, name
        if key not in self._values:
            self._values[key] = frozenset([Sort.UNBOUND])  # for a module that imports itself in a circle
            found = self._module(module) if self._may_bind(module, name) else None
            if found:
                flow = Flow(self, found.name, found.package, name)
                self._values[key] = flow.values_after(found.syntax, found.content)
        return self._values[key]

    def may_have(self, module: str, name: str) -> bool:
        """Whether a module may have an attribute."""
        found = self._content(module)
        if found is None or b"def __getattr__" in found[1] or self.exists(f"{module}.{name}"):
            return True
        return self.values(module, name) != {Sort.UNBOUND}

    def comes_from(self, path: str, module: str) -> bool:
        """Whether what is imported as a dotted path comes from a module, and so has imported it."""
        seen, left = set[str](), [path]
        while left:
            path = left.pop()
            if path.startswith(f"{module}."):
                return True
            if path not in seen and "." in path:
                left += [value for value in self.values(*split(path)) if isinstance(value, str)]
            seen.add(path)
        return False

    def paths(self, dotted: str) -> frozenset[str]:
        """Every dotted path that a path stands for, followed through what the modules of the tree import."""
        seen, left = set[str](), [dotted]
        while left:
            path = left.pop()
            if path not in seen:
                left += self._imported_as(path)
            seen.add(path)
        return frozenset(seen)

    def _imported_as(self, path: str) -> list[str]:
        """What the first name of a path imports that is not a module of the tree, and the rest of the path."""
        module, _, rest = path.partition(".")
        while rest and self.exists(module):
            name, _, rest = rest.partition(".")
            if not self.exists(f"{module}.{name}"):
                values = [value for value in self.values(module, name) if isinstance(value, str)]
                return [f"{value}.{rest}" if rest else value for value in values]
            module = f"{module}.{name}"
        return []

    def spells(self, path: str, word: str) -> bool:
        """Whether the module that a path is a name of has a word in its text."""
        found = self._content(split(path)[0])
        return found is not None and re.search(rf"\b{word}\b".encode(), found[1]) is not None

    def starred(self, module: str, name: str) -> tuple[bool, bool]:
        """Whether `from module import *` may bring a name, and whether it certainly does."""
        if not self.exists(module):
            return True, False
        found = self._content(module)
        if found is None or not (self._may_bind(module, name) or self.exists(f"{module}.{name}")):
            return found is None, False
        exported = self._exports(module)
        if exported is not None and name not in exported:
            return False, False
        values = self.values(module, name)
        bound = values != {Sort.UNBOUND}
        if exported is None:
            listed = b"__all__" in found[1]
            bound = bound or self.exists(f"{module}.{name}")
            return (bound and (listed or not name.startswith("_"))), bound and not listed and Sort.UNBOUND not in values
        return True, True

    def _exports(self, module: str) -> frozenset[str] | None:
        """What a module's `__all__` holds, if it has one whose names all stand there."""
        if module not in self._exported:
            found = self._module(module)
            listed = b"__all__" in found.content if found else False
            self._exported[module] = _listed(found.syntax) if found and listed else None
        return self._exported[module]

    def _may_bind(self, module: str, name: str) -> bool:
        found = self._content(module)
        return found is not None and (name.encode() in found[1] or _STAR.search(found[1]) is not None)

    def _content(self, module: str) -> tuple[str, bytes] | None:
        if module not in self._contents:
            self._contents[module] = next(self._candidates(module), None)
        return self._contents[module]

    def _candidates(self, module: str) -> Iterator[tuple[str, bytes]]:
        stem = module.replace(".", "/")
        for path in [f"{stem}{end}{suffix}" for suffix in SUFFIXES for end in ("/__init__", "")]:
            content = self._files.read(path)
            if content is not None:
                yield path, content

    def _module(self, module: str) -> _Module | None:
        if module not in self._modules:
            found = self._content(module)
            self._modules[module] = _parsed(module, *found) if found else None
        return self._modules[module]


def _parsed(module: str, path: str, content: bytes) -> _Module | None:
    """A module's syntax, or None for a file that Python cannot read: it binds nothing."""
    package = module if "/__init__." in path else split(module)[0]
    try:
        return _Module(module, package, content, read_python(path, content).parse())
    except PatchError:
        return None


def _listed(syntax: ast.Module) -> frozenset[str] | None:
    """The names in `__all__`; None if there are statements that compute it."""
    names: set[str] = set()
    for statement in syntax.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=items) | ast.Tuple(elts=items)):
                names = set(_strings(items))
            case ast.AugAssign(target=ast.Name(id="__all__"), value=ast.List(elts=items) | ast.Tuple(elts=items)):
                names |= set(_strings(items))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case _ if "__all__" in bound_names(statement, loaded=True):
                return None
            case _:
                continue
        if len(items) != len(list(_strings(items))):
            return None
    return frozenset(names)


def _strings(items: Collection[ast.expr]) -> Iterator[str]:
    for item in items:
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            yield item.value
