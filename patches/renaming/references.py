"""All references of one file to a module: those that follow it to its new name, and those that are left alone."""

from __future__ import annotations

from dataclasses import dataclass

from m2build.patches.modules import ModuleFile, Renaming
from m2build.patches.names import Names
from m2build.patches.places import InexactError, Place
from m2build.patches.renaming.importer import Importer, New, Unrewritten
from m2build.patches.renaming.packages import Packages
from m2build.patches.renaming.statements import import_statements
from m2build.patches.renaming.strings import module_strings
from m2build.patches.renaming.uses import dotted_uses
from m2build.patches.text import PythonSource, reading


@dataclass(frozen=True)
class References:
    """What one search finds.

    Attributes:
        importer: the file that was searched.
        places: what has to follow the module.
        unrewritten: the lines, counted from 1, of what is left alone, each with the reason.
    """

    importer: Importer
    places: tuple[Place[New], ...]
    unrewritten: tuple[tuple[int, str], ...]

    def check_empty(self) -> None:
        """Hold an edited file to having nothing left that would have to follow.

        Raises:
            InexactError: it has something.
        """
        for place in self.places:
            source = self.importer.source
            where = f"{source.path}:{source.line_of(place.start)}"
            raise InexactError(f"{where}: {self.importer.renaming.old} is still used after the edit")


def find_references(
    source: PythonSource, module: ModuleFile, renaming: Renaming, *, new_package: str, packages: Packages
) -> References:
    """Search one file.

    Args:
        source: its text.
        module: the file as the import system sees it now.
        renaming: what is renamed.
        new_package: what its relative imports start from after the renaming.
        packages: what the modules of the tree export.

    Raises:
        PatchError: the source does not parse, or it is nested too deeply.
        InexactError: a reference cannot follow the module; the message says where and why.
    """
    syntax = source.parse()
    with reading(source.path):
        names = Names(syntax, module=module.name, package=module.package)
        importer = Importer(source, syntax, module, names, renaming, new_package, packages)
        found = [*import_statements(importer), *dotted_uses(importer), *module_strings(importer)]
    places = tuple(item for item in found if isinstance(item, Place))
    left = tuple((source.line_of(item.offset), item.reason) for item in found if isinstance(item, Unrewritten))
    return References(importer, places, left)
