"""The snippets of docs/patches.md run, in order, and print what the page says."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path

import pytest
from helpers.rooms import MODULES

from m2build.documents.document import load_document
from m2build.documents.validation import validate
from m2build.patches.series import Series

PAGE = (Path(__file__).parent.parent / "docs" / "patches.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_snippets_print_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = BLOCK.findall(PAGE)
    module = types.ModuleType("your_package")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where dataclasses and codemods are looked up
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
    assert ran == 11


def test_commands_on_the_page_run(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    for path in ("app/__init__.py", "app/old.py"):
        (tmp_path / path).touch()
    (tmp_path / "app" / "use.py").write_text("from app import old\n")
    (tmp_path / "norm.py").write_text("import torch\n\n\n@torch.compile\ndef f(): ...\n")
    (text,) = [code for language, code in BLOCK.findall(PAGE) if language == "console"]
    commands = re.findall(r"^\$ (.*(?:\n    .*)*)$", text, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        program, *arguments = shlex.split(command.replace("\\\n", " "))
        assert program == "python"
        subprocess.run([sys.executable, "-P", *arguments], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "norm.py").read_text().endswith("\n# @torch.compile\ndef f(): ...\n")
    assert (tmp_path / "app" / "use.py").read_text() == "from app import new as old\n"


def test_the_series_on_the_page_is_a_series() -> None:
    (text,) = [code for language, code in BLOCK.findall(PAGE) if language == "yaml"]
    assert validate(load_document(text, name="docs/patches.md"), Series).id == "mine"


def test_examples_in_docstrings_are_true() -> None:
    results = [doctest.testmod(importlib.import_module(name)) for name in MODULES if name != "m2build.__main__"]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) >= 2
