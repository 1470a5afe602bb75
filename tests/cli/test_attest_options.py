"""`--attest` and `--attest-dir`: evidence beside an image that stays what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.commands import m2build, refused, succeeds
from helpers.registry.registries import docker_registry, run, tag_digest
from jsonschema import Draft202012Validator

from m2build.delivery import metadata_schema
from m2build.evidence import PATCHSET, PROVENANCE, SBOM
from m2build.places.layout import write_layout
from m2build.progress import Silent

PREDICATES = ("provenance", "patchset", "sbom.cdx")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a base, and with an image that evidence is attached to; the evidence is also in files."""
    folder = tmp_path_factory.mktemp("work")
    write_layout(base_image(), folder / "base", "rocm", replace=False, progress=Silent())
    image(folder, "-o", "oci:out", "--attest", "--attest-dir", "evidence", "--metadata-file", "result.json")
    return folder


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


def image(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Derive the image for eight GPUs; returns its digest."""
    words = ("image", "--tp", "8", "--base", "oci:base", "--progress", "quiet", *arguments)
    return succeeds(*words, cwd=folder, environment=environment).rpartition("@")[2].strip()


def attached(*arguments: str, folder: Path | None = None) -> list[str]:
    answer = json.loads(run("oras", "discover", "--format", "json", *arguments, folder=folder))
    return sorted(entry["digest"] for entry in answer["referrers"])


def test_the_image_has_the_same_digest_with_and_without(work: Path) -> None:
    subject = json.loads((work / "evidence" / "patchset.intoto.json").read_bytes())["subject"][0]["digest"]
    assert image(work, "-o", "oci:without") == f"sha256:{subject['sha256']}"
    assert len(attached("--oci-layout", "out:tp8", folder=work)) == 4
    assert attached("--oci-layout", "without:tp8", folder=work) == []


def test_a_rerun_adds_nothing(work: Path) -> None:
    before = (work / "out" / "index.json").read_bytes()
    words = ("image", "--tp", "8", "--base", "oci:base", "-o", "oci:out", "--attest", "--progress", "plain")
    said = m2build(*words, cwd=work).stderr
    assert "0 new, 4 already there" in said
    assert (work / "out" / "index.json").read_bytes() == before


def test_the_metadata_file_lists_what_is_attached(work: Path) -> None:
    result = json.loads((work / "result.json").read_bytes())
    assert [error.message for error in Draft202012Validator(json.loads(metadata_schema())).iter_errors(result)] == []
    listed = result["m2build.evidence"]
    assert sorted(entry["digest"] for entry in listed) == attached("--oci-layout", "out:tp8", folder=work)
    kinds = {entry.get("predicateType", entry["artifactType"]) for entry in listed}
    assert kinds == {PROVENANCE, PATCHSET, SBOM, "application/vnd.cyclonedx+json"}


def test_the_files_are_what_is_attached(work: Path) -> None:
    names = {f"{name}{end}" for name in PREDICATES for end in (".json", ".intoto.json")}
    assert {path.name for path in (work / "evidence").iterdir()} == names
    blobs = {path.read_bytes() for path in (work / "out" / "blobs" / "sha256").iterdir()}
    for name in PREDICATES:
        statement = (work / "evidence" / f"{name}.intoto.json").read_bytes()
        assert statement in blobs
        assert json.loads((work / "evidence" / f"{name}.json").read_bytes()) == json.loads(statement)["predicate"]
    assert (work / "evidence" / "sbom.cdx.json").read_bytes() in blobs


@pytest.fixture(scope="module")
def dated(work: Path) -> Path:
    """A folder with the evidence on two images, at a time that the environment gives."""
    image(work, "--tp", "4", "-o", "oci:both", "--attest-dir", "each", environment={"SOURCE_DATE_EPOCH": "1700000000"})
    return work / "each"


def test_several_images_have_a_folder_each(dated: Path) -> None:
    profiles = {
        path.parent.name: json.loads(path.read_bytes())["buildDefinition"]["externalParameters"]["profile"]
        for path in dated.glob("*/provenance.json")
    }
    assert profiles == {"minimax-m2.1-tp4": "tp4", "minimax-m2.1-tp8": "tp8"}


def test_push_takes_along_what_is_attached(work: Path, host: str) -> None:
    succeeds("push", "oci:out:tp8", f"{host}/m2/carried:1", "--attest", "--progress", "quiet", cwd=work)
    there = attached("--plain-http", f"{host}/m2/carried:1")
    assert there == attached("--oci-layout", "out:tp8", folder=work)
    succeeds("push", f"{host}/m2/carried:1", f"{host}/m2/again:1", "--attest", "--progress", "quiet")
    assert attached("--plain-http", f"{host}/m2/again:1") == there


def test_a_registry_gets_the_same_evidence_as_a_layout(work: Path, host: str) -> None:
    digest = image(work, "-t", f"{host}/m2/derived:1", "--push", "--yes", "--attest")
    assert tag_digest(host, "m2/derived", "1") == digest
    assert attached("--plain-http", f"{host}/m2/derived:1") == attached("--oci-layout", "out:tp8", folder=work)


def test_push_is_refused_if_nothing_is_attached(work: Path, host: str) -> None:
    said = refused(2, "push", "oci:base:rocm", f"{host}/m2/none:1", "--attest", cwd=work)
    assert "nothing is attached to oci:base:rocm" in said
    assert tag_digest(host, "m2/none", "1") is None


@pytest.mark.parametrize("place", ["docker-archive:image.tar", "oci-archive:image.tar"])
def test_places_that_hold_no_evidence_are_refused_before_the_base_is_read(tmp_path: Path, place: str) -> None:
    said = refused(2, "image", "--tp", "8", "--base", "oci:absent", "-o", place, "--attest", cwd=tmp_path)
    assert f"nothing can be attached to an image in {place}" in said
    assert "--attest-dir" in said


def test_a_folder_that_cannot_be_written_is_refused_before_the_base_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    words = ("image", "--tp", "8", "--base", "oci:absent", "-o", "oci:out", "--attest-dir", "file/below")
    assert "file/below cannot be written" in refused(16, *words, cwd=tmp_path)


def test_source_date_epoch_is_the_only_time_in_it(work: Path, dated: Path) -> None:
    folder = dated / "minimax-m2.1-tp8"
    provenance = json.loads((folder / "provenance.json").read_bytes())
    assert provenance["runDetails"]["metadata"] == {"finishedOn": "2023-11-14T22:13:20Z"}
    sbom = json.loads((folder / "sbom.cdx.json").read_bytes())
    assert sbom["metadata"]["timestamp"].startswith("2023-11-14T22:13:20")
    plain = (work / "evidence" / "provenance.json").read_text() + (work / "evidence" / "sbom.cdx.json").read_text()
    assert "finishedOn" not in plain
    assert "timestamp" not in plain


def test_no_path_of_this_machine_is_in_it(work: Path) -> None:
    said = b"".join(path.read_bytes() for path in (work / "evidence").iterdir()).decode()
    assert [found for found in (str(work), str(Path.home()), "oci:base") if found in said] == []


def test_the_schema_is_that_of_the_patchset(work: Path) -> None:
    schema = json.loads(succeeds("patch", "schema"))
    patchset = json.loads((work / "evidence" / "patchset.json").read_bytes())
    assert list(Draft202012Validator(schema).iter_errors(patchset)) == []
