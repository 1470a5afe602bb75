"""The pages on evidence: the schema that one shows, and the Python of the other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from helpers.snippets import DOCS, run_snippets

from m2build import evidence
from m2build.evidence.provenance import BUILD_TYPE


def test_the_page_of_the_build_type_has_its_schema() -> None:
    page = (DOCS / "provenance.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert json.loads(shown) == json.loads(evidence.ExternalParameters.schema_text())
    assert f"\n{BUILD_TYPE}\n" in page


def test_the_python_of_the_page_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ((expected, printed),) = run_snippets("evidence.md")
    assert printed == expected
