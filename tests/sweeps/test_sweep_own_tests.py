"""Sweep: the tests of published packages give the same after a renaming that they gave before."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from helpers.sweeps.packages import fetched_sources, fetched_wheels, own_tests, unpacked

from m2build.patches.change import Finding, changed_tree
from m2build.patches.codemods.rename_module import RenameModule
from m2build.patches.sources import from_wheel
from m2build.patches.tree import SourceTree
from m2build.patches.writing import write_tree

pytestmark = pytest.mark.sweep

SLICES = {
    "attrs": "attr._make attr.validators: tests/test_setattr.py tests/test_validators.py",
    "click": "click.types click.core: tests/test_info_dict.py tests/test_shell_completion.py",
    "flask": "flask.globals flask.json.tag: tests/test_json_tag.py tests/test_config.py",
    "jinja2": "jinja2.utils jinja2.lexer: tests/test_utils.py tests/test_lexnparse.py",
    "requests": "requests.hooks requests.adapters: tests/test_hooks.py tests/test_adapters.py",
    "werkzeug": "werkzeug.datastructures.auth: tests/test_http.py",
    "networkx": "networkx.convert: networkx/tests/test_convert.py",
}
"""Distribution -> the modules that are renamed, and the tests that use them; networkx has them in its wheel."""
WITHOUT_CONFTEST = {"flask", "requests", "werkzeug"}
"""Their fixtures need further packages, and these tests need no fixtures."""
CASES = sum(len(line.partition(":")[0].split()) for line in SLICES.values())


NEEDED = (
    *("werkzeug", "jinja2", "click", "itsdangerous", "blinker", "markupsafe", "urllib3", "certifi", "idna"),
    "charset-normalizer",
)


@pytest.fixture(scope="session")
def needed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the packages need."""
    wheels = fetched_wheels()
    return unpacked([wheels[name] for name in NEEDED], tmp_path_factory.mktemp("needed"))


@pytest.mark.parametrize("distribution", SLICES)
def test_a_packages_own_tests_give_the_same_afterwards(distribution: str, needed: Path, tmp_path: Path) -> None:
    modules, _, files = SLICES[distribution].partition(":")
    tree = tree_with_tests(distribution)
    before = outcomes(tree, files.split(), tmp_path / "before", needed)
    assert Counter(before.values())["passed"] > 3
    for module in modules.split():
        rewrite = RenameModule(module, f"{module}_zz").apply(tree)
        assert rewrite.finding is Finding.CHANGED, rewrite.detail
        after = outcomes(changed_tree(tree, rewrite.changes), files.split(), tmp_path / module, needed)
        assert after == before, (module, rewrite.mentions)


def tree_with_tests(distribution: str) -> SourceTree:
    """A wheel's files, and the tests of its source distribution beside them."""
    tree = from_wheel(fetched_wheels()[distribution])
    sources = fetched_sources()
    tests = own_tests(sources[distribution]) if distribution in sources else {}
    if distribution in WITHOUT_CONFTEST:
        del tests["tests/conftest.py"]
    return SourceTree.of({**{path: file.content for path, file in tree.items()}, **tests}, origin=distribution)


def outcomes(tree: SourceTree, files: Sequence[str], folder: Path, needed: Path) -> Mapping[str, str]:
    """What becomes of each test, in a process of its own that imports the packages from a folder."""
    write_tree(tree, folder)
    report = folder / "report.xml"
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-c", os.devnull]
    command += [f"--rootdir={folder}", f"--junitxml={report}", *files]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{folder}:{needed}", "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert report.is_file(), done.stdout + done.stderr
    return {
        f"{case.get('classname')}::{case.get('name')}": "passed" if len(case) == 0 else case[0].tag
        for case in ET.parse(report).iter("testcase")  # noqa: S314 - pytest's own
    }
