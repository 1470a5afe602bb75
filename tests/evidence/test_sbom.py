"""The bill of materials: valid by CycloneDX's own validators, and true of the image."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from helpers.evidence.attested import small_plan
from helpers.plans import with_results

from m2build import evidence
from m2build.derivation.image import build
from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.evidence.sbom import sbom_of
from m2build.oci.image import read_blob
from m2build.patches.change import FileChange
from m2build.patches.changeset import PatchResult
from m2build.patches.tree import SourceFile

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return small_plan()


@pytest.fixture(scope="module")
def sbom(plan: Plan) -> dict[str, Any]:
    found: dict[str, Any] = sbom_of(plan, build(plan).manifest.digest, None)
    return found


def components(document: Any) -> Iterator[dict[str, Any]]:
    for component in document.get("components", []):
        yield component
        yield from components(component)


def patched(document: dict[str, Any]) -> dict[str, Any]:
    found: list[dict[str, Any]] = [component for component in document["components"] if "pedigree" in component]
    assert len(found) == 1
    return found[0]


def test_it_is_valid_and_read_again_by_the_library(sbom: dict[str, Any]) -> None:
    assert VALIDATOR.validate_str(json.dumps(sbom)) is None
    assert VALIDATOR.validate_str(json.dumps({**sbom, "unknown": 1})) is not None
    assert str(Bom.from_json(sbom).serial_number) in sbom["serialNumber"]  # type: ignore[attr-defined]


def test_it_lists_each_file_of_the_overlay_with_its_digest(sbom: dict[str, Any], plan: Plan) -> None:
    image = build(plan)
    raw = gzip.decompress(read_blob(image.everything, image.manifest.layers[-1]))
    held = {}
    with tarfile.open(fileobj=io.BytesIO(raw)) as layer:
        for member in layer:
            if member.isfile() and "/.wh." not in member.name:
                content = layer.extractfile(member)
                assert content
                held[f"/{member.name}"] = hashlib.sha256(content.read()).hexdigest()
    listed = {
        component["name"]: component["hashes"][0]["content"]
        for component in components(sbom)
        if component["type"] == "file"
    }
    assert listed == held


def test_the_patches_are_in_the_pedigree_with_diff_and_issues(sbom: dict[str, Any]) -> None:
    found = patched(sbom)
    assert (found["name"], found["version"]) == ("sglang", "0.5.7")
    assert found["pedigree"]["ancestors"][0]["purl"] == "pkg:pypi/sglang@0.5.7"
    by_name = {patch["resolves"][0]["name"]: patch for patch in found["pedigree"]["patches"]}
    assert by_name.keys() == {"rename-transformers-module", "disable-rmsnorm-compile"}
    compile_patch = by_name["disable-rmsnorm-compile"]
    assert compile_patch["type"] == "unofficial"
    assert "+    # @torch.compile" in compile_patch["diff"]["text"]["content"]
    assert "sgl-project/sglang#16102" in {issue["id"] for issue in compile_patch["resolves"]}


def first_result(plan: Plan, **patch: object) -> PatchResult:
    result = plan.sources[0].changeset.results[0]
    return replace(result, patch=result.patch.model_copy(update=patch))


@pytest.mark.parametrize(
    ("origin", "kind"),
    [(None, "unofficial"), ("upstream, https://a.example", "cherry-pick"), ("backport, https://a.example", "backport")],
)
def test_a_patch_is_of_the_kind_that_dep_3_says(plan: Plan, origin: str | None, kind: str) -> None:
    changed = with_results(plan, (first_result(plan, origin=origin),))
    document = sbom_of(changed, build(plan).manifest.digest, None)
    assert [patch["type"] for patch in patched(document)["pedigree"]["patches"]] == [kind]
    assert VALIDATOR.validate_str(json.dumps(document)) is None


def test_a_diff_that_is_no_unicode_is_encoded(plan: Plan) -> None:
    change = FileChange.created("sglang/latin.py", SourceFile.of(b"# caf\xe9\n"))
    changed = with_results(plan, (replace(first_result(plan), changes=(change,)),))
    document = sbom_of(changed, build(plan).manifest.digest, None)
    (patch,) = patched(document)["pedigree"]["patches"]
    assert patch["diff"]["text"]["encoding"] == "base64"
    assert VALIDATOR.validate_str(json.dumps(document)) is None


def test_a_name_that_is_no_unicode_is_refused(plan: Plan) -> None:
    change = FileChange.created("sglang/caf\udce9.py", SourceFile.of(b""))
    changed = with_results(plan, (replace(first_result(plan), changes=(change,)),))
    with pytest.raises(UsageError, match="is not Unicode"):
        evidence.statements(changed, build(plan).manifest.digest)


def test_its_time_is_the_given_one_or_none(plan: Plan, sbom: dict[str, Any]) -> None:
    assert "timestamp" not in sbom["metadata"]
    timed: Any = sbom_of(plan, build(plan).manifest.digest, 1_700_000_000)
    assert timed["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert VALIDATOR.validate_str(json.dumps(timed)) is None
