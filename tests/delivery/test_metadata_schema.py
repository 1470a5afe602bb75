"""What `--json` and `--metadata-file` hold is what the shipped schema says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from helpers.cli.checkouts import checkout, quickly
from pydantic import JsonValue

import m2build
from m2build.delivery import metadata_schema
from m2build.patches.changeset import Outcome

SCHEMA = json.loads(metadata_schema())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
BUILDX: dict[str, JsonValue] = {
    "buildx.build.ref": "default/default/x",
    "buildx.build.provenance": {"buildType": "x"},
    "cache.manifest": {},
}


def test_the_schema_is_one_and_the_command_prints_it_with_that_of_dry_runs() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    printed = json.loads(quickly("image", "--schema"))
    assert printed["oneOf"][:-2] == SCHEMA["oneOf"]
    assert printed | {key: SCHEMA[key] for key in ("oneOf", "$defs")} == SCHEMA
    assert SCHEMA["$defs"].items() <= printed["$defs"].items()
    patches = SCHEMA["$defs"]["image"]["properties"]["m2build.patches"]["items"]["properties"]
    assert {str(outcome) for outcome in Outcome} >= set(patches["outcome"]["enum"])


@pytest.fixture(scope="module")
def images(stocked: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The accounts of an image in a layout with evidence, of two in a registry, and of one that an engine has built."""
    folder = tmp_path_factory.mktemp("accounts")
    tree = checkout(folder / "tree")
    one = quickly("image", "--tp", "8", "--base", f"dir:{tree}", "-o", f"oci:{folder}/out", "--attest", "--json")
    base, name = f"{stocked}/team/sglang:rocm", f"{stocked}/accounts/m2"
    two = folder / "two.json"
    quickly("image", "--tp", "4", "--tp", "8", "--base", base, "-t", name, "--push", "--metadata-file", two)
    with m2build.Session() as session:
        plan = session.plan(m2build.load_recipe("minimax-m2").select(tp=8), session.base(f"dir:{tree}"))
        delivery = session.deliver(plan, f"oci:{folder}/again")
    made = replace(delivery, engine="docker", built=replace(delivery.built, metadata=BUILDX, image=None, digest=None))
    return {"one": json.loads(one), "two": json.loads(two.read_text()), "engine": made.metadata()}


@pytest.mark.parametrize("name", ["one", "two", "engine"])
def test_accounts_fit_it(name: str, images: dict[str, Any]) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(images[name])] == []


def test_evidence_is_listed_only_where_it_is_attached(images: dict[str, Any]) -> None:
    assert len(images["one"]["m2build.evidence"]) == 4
    assert [image for image in images["two"].values() if "m2build.evidence" in image] == []


def test_every_key_of_ours_is_described(images: dict[str, Any]) -> None:
    keys = {key for image in (images["one"], *images["two"].values()) for key in image}
    assert keys == SCHEMA["$defs"]["image"]["properties"].keys()


@pytest.mark.parametrize(
    "changes",
    [{"m2build.engine": "kaniko"}, {"m2build.new": 1}, {"containerimage.digest": "sha256:0"}, {"image.name": None},
     {"m2build.base": {"name": None}}],
    ids=str,
)  # fmt: skip
def test_others_do_not(changes: dict[str, Any], images: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid({**images["one"], **changes})
    assert not VALIDATOR.is_valid({**images["two"], "other": {**images["one"], **changes}})
