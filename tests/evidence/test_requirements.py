"""The file of `m2build verify --require`: what it may say, and how mistakes are named."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from helpers.cli.checkouts import quickly
from helpers.snippets import BLOCK, DOCS

from m2build import evidence
from m2build.errors import UsageError

WHOLE = f"""\
version: 1
patches:
  - id: rename-transformers-module
  - codemod: remove-decorator
    diff: {"a" * 64}
bases: ["sha256:{"0" * 64}"]
forbidden_env: [LD_PRELOAD]
attestations: [https://slsa.dev/provenance/v1]
"""
MISTAKES = {
    "version: 2": "2:1: version: Input should be 1",
    "patches: [{}]": "name the patch by its id, its codemod or its diff",
    "patches: [{id: UPPER}]": "patches.0.id",
    "patches: [{name: a}]": "unknown key 'name'",
    "bases: [docker.io/a/b]": "bases.0",
    "forbidden_env: [A=B]": "forbidden_env.0",
    "forbiden_env: [A]": "unknown key 'forbiden_env'; did you mean 'forbidden_env'?",
    "attestations: [provenance]": "attestations.0",
}


def load(folder: Path, text: str) -> evidence.Requirements:
    (folder / "rules.yaml").write_text(text)
    return evidence.load_requirements(folder / "rules.yaml")


def valid_by_schema(text: str) -> bool:
    schema = json.loads(evidence.Requirements.schema_text())
    document: Any = yaml.safe_load(text)
    return jsonschema.Draft202012Validator(schema).is_valid(document)


def test_a_whole_file_is_read_and_valid_by_the_schema(tmp_path: Path) -> None:
    found = load(tmp_path, WHOLE)
    assert [str(patch) for patch in found.patches] == [
        "id rename-transformers-module", f"codemod remove-decorator, diff {'a' * 64}",
    ]  # fmt: skip
    assert valid_by_schema(WHOLE)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line(mistake: str, tmp_path: Path) -> None:
    text = f"{mistake}\n" if mistake.startswith("version") else f"version: 1\n{mistake}\n"
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text.replace("version: 2", "#\nversion: 2"))
    assert MISTAKES[mistake] in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/rules.yaml:2:")
    assert mistake == "patches: [{}]" or not valid_by_schema(text), "the schema says it, too"


def test_the_shipped_schema_is_current() -> None:
    """After a change: `m2build policy schema > recipes/requirements.schema.json`."""
    shipped = resources.files("m2build.recipes").joinpath("requirements.schema.json").read_text(encoding="utf-8")
    assert shipped == evidence.Requirements.schema_text() == quickly("policy", "schema")


def test_required_attestations_need_a_signer() -> None:
    from m2build.verification.demands import Demands

    require = evidence.Requirements(version=1, attestations=(evidence.SBOM,))
    with pytest.raises(UsageError, match="not by whom they have to be signed"):
        Demands(require=require)


def test_the_rules_on_the_page_can_be_read(tmp_path: Path) -> None:
    (text,) = [code for language, code in BLOCK.findall((DOCS / "policy.md").read_text("utf-8")) if language == "yaml"]
    assert {key for key, value in load(tmp_path, text) if value} == set(evidence.Requirements.model_fields)
