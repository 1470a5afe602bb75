"""What `inspect --json` and `verify --json` print is what the schemas say that `--schema` prints."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from helpers.bases import base_image
from helpers.cli.checkouts import derived, quickly

import m2build
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent
from m2build.verification.findings import KINDS

SCHEMAS = {
    "inspect": json.loads(m2build.Inspection.schema_text()),
    "verify": json.loads(m2build.Verification.schema_text()),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """For each command its results: of what was derived, in two kinds of places, and of what was not."""
    folder = derived(tmp_path_factory.mktemp("results"))
    base, archive = f"oci:{folder}/base:base", f"docker-archive:{folder}/out.tar"
    quickly("image", "--tp", "8", "--base", base, "-o", archive)
    write_image(
        base_image(), Place.parse(f"oci:{folder}/other:v1"), tag="", reference="", replace=False, progress=Silent()
    )
    places = (f"oci:{folder}/out:tp8", archive, f"oci:{folder}/other:v1")
    printed = json.loads(quickly("verify", places[0], "--base", base, "--json"))
    verified = [m2build.verify(place, base=base) for place in places[1:]]
    assert [found.passes for found in verified] == [True, False]
    return {
        "inspect": [m2build.inspect(place).document() for place in places],
        "verify": [printed, *(found.document() for found in verified)],
    }


@pytest.mark.parametrize("command", SCHEMAS)
def test_the_command_prints_the_schema_without_an_image(command: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[command])
    assert json.loads(quickly(command, "--schema")) == SCHEMAS[command]


@pytest.mark.parametrize("command", SCHEMAS)
def test_results_fit_it_and_others_do_not(command: str, results: dict[str, list[Any]]) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMAS[command])
    assert [error.message for result in results[command] for error in validator.iter_errors(result)] == []
    for result in results[command]:
        for key in result:
            assert not validator.is_valid({other: result[other] for other in result.keys() - {key}}), key
            assert not validator.is_valid({**result, key: 7}), key
        assert not validator.is_valid({**result, "new": 1})


def test_ids_of_findings_have_the_form_that_the_schema_asks_for() -> None:
    form = SCHEMAS["verify"]["properties"]["findings"]["items"]["properties"]["id"]
    assert [kind for kind in KINDS if not jsonschema.Draft202012Validator(form).is_valid(kind)] == []
