"""What a renaming's outcome rests on: what stands in its way, and what shows that it has been made."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from m2build.errors import ContentError, PatchError, StorageError
from m2build.patches.change import Mention, MentionKind
from m2build.patches.modules import SUFFIXES, Renaming, compiled_file, module_file, split
from m2build.patches.places import InexactError
from m2build.patches.renaming.concern import Concern
from m2build.patches.renaming.files import TreeFiles
from m2build.patches.renaming.importer import Importer
from m2build.patches.renaming.packages import Packages
from m2build.patches.renaming.references import find_references
from m2build.patches.scopes import absolute_module
from m2build.patches.text import read_python
from m2build.patches.tree import SourceTree

_MOST = 3
"""Importers of the new name that are shown."""


def find_obstacle(tree: SourceTree, renaming: Renaming, moving: Collection[str], arrived: str | None) -> str | None:
    """Why a module cannot be renamed, whatever imports it; None if it can.

    Args:
        tree: the sources.
        renaming: what is to be renamed.
        moving: the module's files.
        arrived: a file of its new name.
    """
    package = split(renaming.new)[0]
    if link := _link_in_the_way(tree, renaming):
        return f"{link} is a symbolic link"
    if compiled := compiled_file(tree, renaming.old):
        return f"{compiled} is compiled, and would keep its name"
    if moving and arrived:
        return f"{renaming.new} exists already ({arrived})"
    if moving and package and package.replace(".", "/") not in tree.folders:
        return f"the package {package} does not exist"
    return None


def _link_in_the_way(tree: SourceTree, renaming: Renaming) -> str | None:
    """A link that is one of the two modules, a part of one, or a folder above."""
    stems = [name.replace(".", "/") for name in (renaming.old, renaming.new)]
    ends = tuple(f"{stem}{end}/" for stem in stems for end in ("", *SUFFIXES))
    for link in tree.links:
        if f"{link}/".startswith(ends) or any(stem.startswith(f"{link}/") for stem in stems):
            return link
    return None


def find_evidence(tree: SourceTree, module: str, path: str) -> Iterator[Mention]:
    """What shows that a module has its new name: its file, and the first places that import it.

    Args:
        tree: the sources.
        module: the new name.
        path: one of its files.
    """
    yield Mention(path, None, f"{module} is here", MentionKind.THERE)
    renaming = Renaming(module, f"{module}_")
    concerned, packages, left = Concern(renaming), Packages(TreeFiles(tree), module), _MOST
    for name, file in tree.items():
        found = module_file(name)
        try:
            if found is None or not file.may_spell(concerned.word) or not concerned(name, file.content, moves=False):
                continue
            source = read_python(name, file.content)
            references = find_references(source, found, renaming, new_package=found.package, packages=packages)
        except (ContentError, StorageError, PatchError, InexactError):
            continue  # evidence is looked for where it can be read
        for place in references.places[:left]:
            line = source.line_of(place.start)
            yield Mention(name, line, source.line(line).strip()[:160], MentionKind.THERE)
            left -= 1
        if not left:
            return
    if left == _MOST:
        yield Mention(path, None, f"no file imports {module} by a name that can be seen", MentionKind.THERE)


def check_successor(importer: Importer) -> None:
    """Hold the module that stands at the new name already to having what a file imports from the old one.

    Raises:
        InexactError: it lacks something, and so may be another module.
    """
    old, new = importer.renaming.old, importer.renaming.new
    for node in importer.names.imports:
        if isinstance(node, ast.ImportFrom) and absolute_module(importer.package, node.level, node.module) == old:
            for alias in node.names:
                if alias.name != "*" and not importer.packages.may_have(new, alias.name):
                    where = importer.where(node)
                    raise InexactError(f"{where}: {new} exists already, without {alias.name}: it is another module")
