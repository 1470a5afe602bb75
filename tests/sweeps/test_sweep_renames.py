"""Sweep: modules of published packages are renamed, and Python is the judge.

All modules are imported before and after, in processes of their own; every import statement that has the module's last
name is executed, wherever it stands, and every dotted use that ends in it is evaluated. What worked before works
afterwards, or a mention names the file that breaks it: nothing breaks in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.sweeps.packages import broken, changed_copy, fetched_wheels, importable, imported, unpacked
from helpers.sweeps.renamed import LARGE, NEEDS, PACKAGES

from m2build.patches.change import Finding
from m2build.patches.codemods.rename_module import RenameModule
from m2build.patches.modules import Renaming
from m2build.patches.sources import from_wheel

pytestmark = pytest.mark.sweep

CASES = sum(len(line.partition(":")[2].split()) for line in PACKAGES.values())
MOST_LISTED = CASES // 20
"""Renames after which something is broken and listed; the rest has to follow."""

LISTED: list[str] = []


@pytest.fixture(scope="session")
def wheels() -> Mapping[str, Path]:
    return fetched_wheels()


@pytest.fixture(scope="session")
def needed(wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small packages, unchanged, for each other."""
    small = [wheel for distribution, wheel in wheels.items() if distribution not in LARGE]
    return unpacked(small, tmp_path_factory.mktemp("needed"))


@pytest.mark.parametrize("distribution", PACKAGES)
def test_what_worked_before_works_afterwards_or_is_listed(
    distribution: str, wheels: Mapping[str, Path], needed: Path, tmp_path: Path
) -> None:
    packages, _, names = PACKAGES[distribution].partition(":")
    tree = from_wheel(wheels[distribution])
    renamings = [Renaming(name, f"{name}_zz") for name in names.split()]
    words = [one.old.rpartition(".")[2] for one in renamings] if distribution in LARGE else []
    modules = importable(tree, packages.split(), words)
    top = unpacked([wheels[distribution]], tmp_path / "before")
    others = [needed, unpacked([wheels[name] for name in NEEDS.get(distribution, ())], tmp_path / "others")]
    before = imported([top, *others], modules, [(one.old, one.new) for one in renamings])
    assert list(before.modules.values()).count("ok") > len(modules) // 2
    for number, renaming in enumerate(renamings):
        rewrite = RenameModule(renaming.old, renaming.new).apply(tree)
        assert rewrite.finding is Finding.CHANGED, rewrite.detail
        folder = changed_copy(top, rewrite.changes, tmp_path / str(number))
        after = imported([folder, *others], [renaming.of(name) for name in modules], [(renaming.old, renaming.new)])
        if found := broken(before, after, renaming, number):
            assert rewrite.mentions, (renaming.old, found[:5])
            LISTED.append(renaming.old)
        assert len(LISTED) <= MOST_LISTED, LISTED
