"""Sweep: modules of published packages are renamed, and Python is the judge.

All modules are imported before and after, in processes of their own; every import statement that has the module's last
name is executed, wherever it stands, and every dotted use that ends in it is evaluated. What worked before works
afterwards, or a mention names the file that breaks it: nothing breaks in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.sweeps.packages import Imported, changed_copy, fetched_wheels, importable, imported, unpacked

from m2build.patches.change import Finding, Rewrite
from m2build.patches.codemods.rename_module import RenameModule
from m2build.patches.modules import Renaming
from m2build.patches.sources import from_wheel

pytestmark = pytest.mark.sweep

PACKAGES = {
    "rich": "rich: rich.jupyter rich.emoji rich.color rich.console",
    "flask": "flask: flask.json flask.globals flask.sansio.app flask.typing",
    "werkzeug": "werkzeug: werkzeug.routing werkzeug.debug werkzeug.datastructures.auth werkzeug.exceptions",
    "requests": "requests: requests.compat requests.hooks requests.packages requests.adapters",
    "attrs": "attr attrs: attr._make attr.exceptions attr.validators attrs.converters",
    "jinja2": "jinja2: jinja2.utils jinja2.lexer jinja2.nodes jinja2.exceptions",
    "click": "click: click.core click.types click.globals click._compat",
    "pytest": "_pytest pytest: _pytest.outcomes _pytest.config _pytest.mark.structures _pytest.pathlib",
    "pydantic": "pydantic: pydantic.types pydantic.fields pydantic._internal._fields pydantic.deprecated",
    "networkx": "networkx: networkx.algorithms.isomorphism networkx.convert",
    "sqlalchemy": "sqlalchemy: sqlalchemy.orm.attributes sqlalchemy.util.langhelpers",
    "django": "django: django.utils.encoding django.conf.locale.ru.formats",
    "numpy": "numpy: numpy._core.printoptions numpy.lib._index_tricks_impl",
    "sympy": "sympy: sympy.core.traversal",
}
"""Distribution -> its packages, and the modules that are renamed."""
LARGE = ("django", "numpy", "sympy", "networkx", "sqlalchemy")
"""Of these only the modules that hold the renamed module's last name are imported."""
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
    before = imported([top, needed], modules, [(one.old, one.new) for one in renamings])
    assert list(before.modules.values()).count("ok") > len(modules) // 2
    for number, renaming in enumerate(renamings):
        rewrite = RenameModule(renaming.old, renaming.new).apply(tree)
        assert rewrite.finding is Finding.CHANGED, rewrite.detail
        folder = changed_copy(top, rewrite.changes, tmp_path / str(number))
        after = imported([folder, needed], [renaming.of(name) for name in modules], [(renaming.old, renaming.new)])
        judge(before, after, renaming, number, rewrite)


def judge(before: Imported, after: Imported, renaming: Renaming, number: int, rewrite: Rewrite) -> None:
    broken = [
        f"{renaming.of(name)}: {after.modules[renaming.of(name)]}"
        for name, found in before.modules.items()
        if found == "ok" != after.modules[renaming.of(name)]
    ]
    broken += [
        f"{module}, use {place}: {use}, then {after.uses[0].get((renaming.of(module), place))}"
        for (module, place), use in before.uses[number].items()
        if not use.startswith("fails") and after.uses[0].get((renaming.of(module), place)) != use
    ]
    if broken:
        assert rewrite.mentions, (renaming.old, broken[:5])
        LISTED.append(renaming.old)
    assert len(LISTED) <= MOST_LISTED, LISTED
