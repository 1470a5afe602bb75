"""Trees in which a module is renamed: what becomes of each, and what has to be told."""

from __future__ import annotations

import re
from dataclasses import dataclass

from helpers.patches.renames import TREE
from helpers.patches.trees import Content, cases_in
from m2build.patches.codemods.rename_module import RenameModule

FORKS = """\
import importlib, os, sys
for folder in sys.argv[1:]:
    sys.stdout.flush()
    if os.fork() == 0:
        sys.path.insert(0, folder)
        try: print(repr(importlib.import_module("use").result))
        except Exception as error: print(type(error).__name__, error)
        sys.stdout.flush()
        os._exit(0)
    os.wait()
"""


@dataclass(frozen=True)
class Case:
    """One tree, what has to become of it, and what has to be told."""

    name: str
    kind: str
    told: str
    files: dict[str, Content]

    @property
    def rename(self) -> RenameModule:
        moves = self.kind == "moves" or (self.kind == "conflict" and "which" not in self.told)
        return RenameModule("a.b.old", "c.new" if moves else "a.b.new")


def read_cases() -> list[Case]:
    cases = []
    for name, head, body in cases_in("rename_certain.txt"):
        kind, _, told = head.partition(" ")
        parts = re.split(r"^--- (.*)\n", body, flags=re.MULTILINE)[1:]
        own = dict(zip(parts[::2], parts[1::2], strict=True))
        cases.append(Case(name, kind, told, {**TREE, "c/__init__.py": "", **own}))
    return cases


CASES = read_cases()
RUN = [case for case in CASES if case.kind in ("follows", "keeps", "moves")]
