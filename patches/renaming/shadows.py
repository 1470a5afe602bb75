"""Does a package bind the name of one of its modules to something else?"""

from __future__ import annotations

import re

from m2build.patches.modules import Renaming, split
from m2build.patches.names import Names
from m2build.patches.text import PythonSource, reading


def shadows(parent: PythonSource, renaming: Renaming) -> bool:
    """Whether the `__init__` of the module's package binds the module's last name to something that is not the module.

    Raises:
        PatchError: it does not parse.
    """
    package, last = split(renaming.old)
    if not re.search(rf"\b{last}\b", parent.text):
        return False
    with reading(parent.path):
        top = Names(parent.parse(), module=package, package=package).top
    return last in top.others or bool(top.imports.get(last, set()) - {renaming.old})
