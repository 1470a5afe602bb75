"""The pages on evidence: schema and examples of the one, and the Python of the other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.evidence.attested import small_plan
from helpers.snippets import DOCS, run_snippets

from m2build import evidence
from m2build.derivation.image import build
from m2build.evidence.provenance import BUILD_TYPE
from m2build.places.layout import write_layout
from m2build.progress import Silent


def test_the_page_of_the_build_type_has_its_schema_and_shows_what_is_said() -> None:
    page = (DOCS / "provenance.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    asked, schema, dependencies = map(json.loads, blocks)
    assert f"\n{BUILD_TYPE}\n" in page
    assert schema == json.loads(evidence.ExternalParameters.schema_text())
    plan = small_plan()
    provenance = json.loads(evidence.statements(plan, build(plan).manifest.digest)[0].predicate)
    assert provenance["buildDefinition"]["externalParameters"] == asked
    assert provenance["buildDefinition"]["resolvedDependencies"] == dependencies


def test_the_python_of_the_page_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_layout(base_image(), Path("base"), "rocm", replace=False, progress=Silent())
    ((expected, printed),) = run_snippets("evidence.md", hosts={"pypi:sglang==0.5.7": "oci:base"})
    assert printed == expected
