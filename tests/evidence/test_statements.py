"""What is said of an image: judged by in-toto's own types, by JSON Schema, and by the image itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict, ParseError
from helpers.bases import ROOT, base_image
from helpers.evidence.attested import plan_of, small_plan
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement as TheirStatement
from in_toto_attestation.v1.statement_pb2 import Statement as TheirMessage
from jsonschema import Draft202012Validator

from m2build import evidence
from m2build.derivation.account import account_of
from m2build.derivation.image import build
from m2build.derivation.plan import Plan


@pytest.fixture(scope="module")
def plan() -> Plan:
    return small_plan()


@pytest.fixture(scope="module")
def made(plan: Plan) -> dict[str, evidence.Statement]:
    found = evidence.statements(plan, build(plan).manifest.digest)
    return {statement.predicate_type: statement for statement in found}


def predicate(made: dict[str, evidence.Statement], kind: str) -> Any:
    return json.loads(made[kind].predicate)


def test_each_statement_is_one_by_in_totos_own_definition(made: dict[str, evidence.Statement], plan: Plan) -> None:
    digest = build(plan).manifest.digest
    for kind, statement in made.items():
        message = ParseDict(json.loads(statement.content), TheirMessage())  # refuses unknown keys
        TheirStatement.copy_from_pb(message).validate()
        assert message.predicate_type == kind
        assert [dict(subject.digest) for subject in message.subject] == [{"sha256": digest.hex}]
        assert statement.subjects == (digest,)


def test_the_provenance_has_no_key_that_in_toto_does_not_define(made: dict[str, evidence.Statement]) -> None:
    found = predicate(made, evidence.PROVENANCE)
    message = ParseDict(found, Provenance())
    assert message.build_definition.build_type
    assert message.run_details.builder.id
    with pytest.raises(ParseError):
        ParseDict({**found, "unknown": 1}, Provenance())


def test_the_external_parameters_follow_their_schema(made: dict[str, evidence.Statement]) -> None:
    schema = json.loads(evidence.ExternalParameters.schema_text())
    Draft202012Validator.check_schema(schema)
    asked = predicate(made, evidence.PROVENANCE)["buildDefinition"]["externalParameters"]
    assert list(Draft202012Validator(schema).iter_errors(asked)) == []
    assert list(Draft202012Validator(schema).iter_errors({**asked, "more": 1})) != []


def test_the_patchset_follows_its_schema(made: dict[str, evidence.Statement]) -> None:
    schema = json.loads(evidence.Patchset.schema_text())
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(predicate(made, evidence.PATCHSET))) == []


def test_the_base_is_a_dependency_by_its_digest(made: dict[str, evidence.Statement], plan: Plan) -> None:
    found = predicate(made, evidence.PROVENANCE)["buildDefinition"]["resolvedDependencies"]
    assert plan.base.digest
    assert found[0]["digest"] == {"sha256": plan.base.digest.hex}
    assert [entry["name"] for entry in found] == ["base", "series/minimax-m2-rocm", "m2build"]


def test_each_patch_is_named_with_what_the_image_holds_of_it(made: dict[str, evidence.Statement], plan: Plan) -> None:
    (sources,) = predicate(made, evidence.PATCHSET)["sources"]
    files = {f"opt/m2build/{path}": content for path, content in account_of(plan.sources).items()}
    for patch in sources["patches"]:
        stored = files[patch["patchFile"]["path"]]
        assert hashlib.sha256(stored).hexdigest() == patch["patchFile"]["sha256"]
        diff = stored[stored.index(b"\ndiff --git ") + 1 :]
        assert hashlib.sha256(diff).hexdigest() == patch["diff"]["sha256"]
        assert {"description", "author", "origin", "bug", "forwarded", "lastUpdate"} <= patch["dep3"].keys()
    after = {file["path"]: file["after"]["sha256"] for file in sources["files"]}
    assert after == {change.path: change.after.sha256 for change in plan.changes if change.after}
    assert all(path.startswith(f"{ROOT}/") for path in after)


def test_the_same_plan_gives_the_same_bytes(plan: Plan) -> None:
    digest = build(plan).manifest.digest
    again = plan_of(base_image())
    assert evidence.statements(plan, digest) == evidence.statements(again, digest)


def moments(value: Any) -> Iterator[str]:
    """The keys of a document that hold a time of a run."""
    if isinstance(value, dict):
        yield from (key for key in value if key in ("startedOn", "finishedOn", "invocationId", "timestamp"))
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from moments(item)


def test_a_time_is_only_in_it_if_it_is_given(made: dict[str, evidence.Statement], plan: Plan) -> None:
    assert [list(moments(json.loads(statement.content))) for statement in made.values()] == [[]] * len(made)
    timed = evidence.statements(plan, build(plan).manifest.digest, evidence.Run(time=1_700_000_000))
    assert json.loads(timed[0].predicate)["runDetails"]["metadata"] == {"finishedOn": "2023-11-14T22:13:20Z"}
