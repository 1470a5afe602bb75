"""The snippets of docs/patches.md run, in order, and print what the page says."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import re
import sys
import types
from pathlib import Path

import pytest
from test_architecture import MODULES

from m2build.documents import load_document
from m2build.patches.series import Series
from m2build.validation import validate

PAGE = (Path(__file__).parent.parent / "docs" / "patches.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_snippets_print_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = BLOCK.findall(PAGE)
    module = types.ModuleType("docs_patches")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look up the module of a class there
    ran = 0
    for position, (language, code) in enumerate(blocks):
        if language != "python":
            continue
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, f"docs/patches.md, block {position}", "exec"), vars(module))  # noqa: S102
        follows = blocks[position + 1]
        assert follows[0] == "text", "every python block is followed by its output"
        assert out.getvalue() == follows[1]
        ran += 1
    assert ran == 5


def test_the_series_on_the_page_is_a_series() -> None:
    (text,) = [code for language, code in BLOCK.findall(PAGE) if language == "yaml"]
    assert validate(load_document(text, name="docs/patches.md"), Series).id == "mine"


def test_examples_in_docstrings_are_true() -> None:
    results = [doctest.testmod(importlib.import_module(name)) for name in MODULES if name != "m2build.__main__"]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) >= 2
