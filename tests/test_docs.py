"""The snippets of docs/patches.md and docs/library.md run, in order, and print what the pages say."""

from __future__ import annotations

import doctest
import importlib
import inspect
import logging
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from helpers.cli.checkouts import derived, quickly, store
from helpers.registry.registries import docker_registry
from helpers.rooms import MODULES
from helpers.snippets import BLOCK, DOCS, run_snippets

from m2build.documents.document import load_document
from m2build.documents.validation import validate
from m2build.patches.loading import load_series
from m2build.patches.series import Series

PAGE = (DOCS / "patches.md").read_text(encoding="utf-8")


def test_snippets_print_what_the_page_says() -> None:
    found = list(run_snippets("patches.md"))
    assert [printed for _, printed in found] == [expected for expected, _ in found]
    assert len(found) == 14


def test_the_page_on_series_prints_what_it_says() -> None:
    found = list(run_snippets("series.md"))
    assert [printed for _, printed in found] == [expected for expected, _ in found]
    assert len(found) == 1


def test_the_series_of_that_page_can_be_loaded(tmp_path: Path) -> None:
    texts = [code for language, code in BLOCK.findall((DOCS / "series.md").read_text("utf-8")) if language == "yaml"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/ours.json").write_text("{}\n")
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.yaml").write_text(text)
    series = [load_series(str(tmp_path / f"{number}.yaml")) for number in range(len(texts))]
    assert [[patch.id for patch in one.patches] for one in series] == [
        ["raise-limit", "add-table"],
        ["disable-rmsnorm-compile", "raise-limit"],
    ]


def test_the_library_page_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])  # the page sets one up
    (tmp_path / "registry").mkdir()
    with docker_registry(tmp_path / "registry") as host:
        found = list(run_snippets("library.md", hosts={"localhost:5000": host}))
    logging.getLogger("m2build").setLevel(logging.NOTSET)
    for handler in root.handlers:
        handler.close()
    assert [printed for _, printed in found] == [expected for expected, _ in found]
    assert len(found) == 11
    digests = [line.partition("@")[2] for line in found[1][1].splitlines() if "@" in line]
    assert digests[1] in found[0][1], "wherever the image goes, it is the same one"


def test_the_page_on_verification_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store("oci:base:base")
    quickly("image", "--tp", "8", "--base", "oci:base", "-o", "oci:images:tp8")
    ((expected, printed),) = run_snippets("verify.md")
    assert printed == expected


def test_the_page_on_the_report_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(derived(tmp_path))
    ((expected, printed),) = run_snippets("report.md")
    assert printed == expected


def test_the_page_on_drift_prints_what_it_says() -> None:
    ((expected, printed),) = run_snippets("drift.md")
    assert printed == expected


def test_the_page_on_locks_prints_what_it_says() -> None:
    ((expected, printed),) = run_snippets("lock.md")
    assert printed == expected


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
    (text,) = [code for language, code in BLOCK.findall(PAGE) if language == "yaml" and code.startswith("id: ")]
    assert validate(load_document(text, name="docs/patches.md"), Series).id == "mine"


class Finder(doctest.DocTestFinder):
    """Finds the examples of decorated functions as well, which are defined where the decorator is."""

    def _from_module(self, module: ModuleType, object: object) -> bool:  # noqa: A002 - as doctest calls it
        found: bool = super()._from_module(module, inspect.unwrap(object) if callable(object) else object)  # type: ignore[misc]  # not in typeshed
        return found


def test_examples_in_docstrings_are_true() -> None:
    finder, runner = Finder(), doctest.DocTestRunner()
    modules = [importlib.import_module(name) for name in MODULES if name != "m2build.__main__"]
    examples = [found for module in modules for found in finder.find(module) if found.examples]
    results = [runner.run(example) for example in examples]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) >= 200
