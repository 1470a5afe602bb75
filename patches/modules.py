"""Module names and the files that they live in."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

from m2build.documents.shown import shown
from m2build.errors import UsageError
from m2build.patches.tree import SourceTree

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
SUFFIXES = (".py", ".pyi")


def check_dotted(name: str) -> str:
    """Return `name` if it is a dotted Python name.

    Raises:
        UsageError: it is not.
    """
    if not _DOTTED.fullmatch(name):
        raise UsageError(f"{shown(name)} is not a dotted Python name")
    for part in filter(keyword.iskeyword, name.split(".")):
        raise UsageError(f"{shown(name)} is not a dotted Python name: {part} is a keyword")
    return name


def split(name: str) -> tuple[str, str]:
    """Split a dotted name into its parent (empty at the top) and its last part."""
    parent, _, last = name.rpartition(".")
    return parent, last


@dataclass(frozen=True)
class ModuleFile:
    """A Python file as the import system sees it: its module's name and the package its relative imports start from."""

    path: str
    name: str
    package: str


def module_file(path: str) -> ModuleFile | None:
    """The module that lives at `path`, or None for a file that is not Python."""
    stem = next((path.removesuffix(suffix) for suffix in SUFFIXES if path.endswith(suffix)), None)
    if stem is None:
        return None
    dotted = stem.replace("/", ".")
    parent, last = split(dotted)
    if last == "__init__":
        return ModuleFile(path, parent, parent)
    return ModuleFile(path, dotted, parent)


_COMPILED = re.compile(r"(\.[\w-]+)?\.(so|pyd|pyc)")


def compiled_file(tree: SourceTree, module: str) -> str | None:
    """The compiled file that a module is, or that stands beside its source: the import system takes it first."""
    stem = module.replace(".", "/")
    return next((path for path in tree if path.startswith(stem) and _COMPILED.fullmatch(path, len(stem))), None)


def files_of(tree: SourceTree, module: str) -> Iterator[str]:
    """The paths that a module consists of: its source and stub, or everything in its folder if it is a package.

    As in the import system, a file beats a folder of the same name without an `__init__` (a namespace package). One
    with an `__init__` beats the file, which goes with it, since it would be the module otherwise. Compiled caches are
    not sources and are left out.
    """
    stem = module.replace(".", "/")
    single = [stem + suffix for suffix in SUFFIXES if stem + suffix in tree]
    regular = any(f"{stem}/__init__{suffix}" in tree for suffix in SUFFIXES)
    yield from single
    if stem in tree.folders and (regular or not single):
        folder = f"{stem}/"
        yield from (path for path in tree if path.startswith(folder) and "__pycache__" not in path)


@dataclass(frozen=True)
class Renaming:
    """A module's old and new dotted name, and what follows for the names below it."""

    old: str
    new: str

    def of(self, name: str) -> str:
        """What the module called `name` is called afterwards."""
        if name == self.old or name.startswith(f"{self.old}."):
            return self.new + name[len(self.old) :]
        return name

    def path(self, path: str) -> str:
        """Where the file at `path`, one of the module's own, goes."""
        return self.new.replace(".", "/") + path[len(self.old) :]

    @property
    def keeps_parent(self) -> bool:
        """Whether only the last part of the name changes."""
        return split(self.old)[0] == split(self.new)[0]


def relative(name: str, package: str) -> str | None:
    """Spell the absolute `name` as seen from `package` (`..b.c`), or None where they share no package.

    >>> relative("a.b.c", "a.d")
    '..b.c'
    """
    wanted, here = name.split("."), package.split(".")
    common = 0
    while common < min(len(wanted), len(here)) and wanted[common] == here[common]:
        common += 1
    if common == 0:
        return None
    return "." * (len(here) - common + 1) + ".".join(wanted[common:])
