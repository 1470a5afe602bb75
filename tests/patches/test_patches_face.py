"""The face of `m2build.patches`: its names, that it loads nothing early, and that every name has an example."""

from __future__ import annotations

import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.rooms import ROOT

from m2build import patches

PAGE = (ROOT / "docs" / "patches.md").read_text(encoding="utf-8")
SNIPPETS = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def test_what_it_lists_is_what_it_has() -> None:
    assert patches.__all__ == dir(patches)
    assert len(patches.__all__) <= 25
    for name in patches.__all__:
        assert getattr(patches, name).__module__.startswith("m2build.patches."), name


def test_type_checkers_see_the_same_names() -> None:
    source = Path(patches.__file__).read_text(encoding="utf-8")
    guarded = source[source.index("if TYPE_CHECKING:") : source.index("_HOMES = ")]
    imported = re.findall(r"from (m2build\.patches\.\S+) import (.+)", guarded)
    assert sorted(name for _, names in imported for name in names.split(", ")) == patches.__all__
    for module, names in imported:
        for name in names.split(", "):
            assert getattr(patches, name) is getattr(sys.modules[module], name), name


def test_a_misspelt_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'm2build\.patches' has no attribute 'SourceTre'"):
        _ = patches.SourceTre  # type: ignore[attr-defined]  # and type checkers say so too


@pytest.mark.parametrize("name", patches.__all__)
def test_every_name_has_an_example(name: str) -> None:
    """Examples in docstrings and snippets on the page are run by tests/test_docs.py."""
    documented = getattr(patches, name)
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(documented) or "")
    assert examples or re.search(rf"\b{name}\b", SNIPPETS)


def test_it_is_light() -> None:
    script = (
        "import sys, m2build.patches; names = dir(m2build.patches); "
        "print(sorted({name.partition('.')[0] for name in sys.modules} "
        "& {'libcst', 'pydantic', 'yaml', 'packaging', 'importlib.metadata', 'zipfile', 'subprocess'}), "
        "[name for name in sys.modules if name.startswith('m2build.')])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "[] ['m2build.late', 'm2build.patches']\n"
