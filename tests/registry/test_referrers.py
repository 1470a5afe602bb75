"""What refers to an image in a registry: pushed, listed in either way, and found by other tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.bases import base_image
from helpers.registry.faultproxy import Rule, fault_proxy
from helpers.registry.field_registry import FieldRegistry, Habits, field_registry, with_rival
from helpers.registry.registries import (
    access,
    crane_registry,
    docker_registry,
    reference,
    run,
    tag_digest,
    upload,
    upload_manifest,
)

from m2build.errors import ContentError, TransportError
from m2build.oci.artifact import Artifact, fallback_tag
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import read_blob
from m2build.oci.media_types import OCI
from m2build.progress import Silent
from m2build.registry.manifests import describe
from m2build.registry.referrers import Attached, attach_remote, referrers

IMAGE = base_image()
DIGEST = IMAGE.manifest.digest
NOTE = "application/vnd.example.note+json"


def notes(count: int = 3) -> list[Artifact]:
    return [
        Artifact.of(
            NOTE, json.dumps({"note": number}).encode(), IMAGE.manifest.descriptor, annotations={"n": str(number)}
        )
        for number in range(count)
    ]


def digests(artifacts: list[Artifact]) -> list[str]:
    return sorted(str(artifact.manifest.digest) for artifact in artifacts)


def attach(host: str, artifacts: list[Artifact]) -> Attached:
    client = access().push(reference(host, "team/app:1"))
    return attach_remote(client, artifacts, DIGEST, Silent())


def found(host: str) -> list[Artifact]:
    return list(referrers(access().pull(reference(host, "team/app:1")), DIGEST))


def seen_by_oras(host: str) -> list[str]:
    answer = json.loads(run("oras", "discover", "--plain-http", "--format", "json", f"{host}/team/app:1"))
    return sorted(entry["digest"] for entry in answer["referrers"])


@pytest.fixture(scope="module", params=[docker_registry, crane_registry])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Registries of others that list no referrers themselves."""
    with request.param(tmp_path_factory.mktemp("registry")) as host:
        upload(host, "team/app", IMAGE, "1")
        yield host


@pytest.fixture
def field(request: pytest.FixtureRequest) -> Iterator[FieldRegistry]:
    with field_registry(request.param) as registry:
        upload(registry.host, "team/app", IMAGE, "1")
        upload_manifest(registry.host, "team/app", DIGEST, IMAGE.manifest.raw, OCI.manifest)
        yield registry


def test_without_an_api_they_are_listed_under_a_tag_that_oras_reads(host: str) -> None:
    artifacts = notes()
    assert attach(host, artifacts) == Attached(3, 0, fallback_tag(DIGEST), tuple(artifacts))
    assert seen_by_oras(host) == digests(artifacts)
    assert tag_digest(host, "team/app", "1") == str(DIGEST)
    listed = found(host)
    assert digests(listed) == digests(artifacts)
    assert [json.loads(read_blob(item.blobs, item.manifest.layers[0])) for item in listed] == [
        {"note": number} for number in range(3)
    ]


def test_again_nothing_is_added(host: str) -> None:
    attach(host, notes())
    tag = fallback_tag(DIGEST)
    before = run("crane", "manifest", "--insecure", f"{host}/team/app:{tag}")
    assert attach(host, notes()) == Attached(0, 3, tag, tuple(notes()))
    assert run("crane", "manifest", "--insecure", f"{host}/team/app:{tag}") == before


def test_what_oras_has_attached_stays_listed(host: str) -> None:
    run("oras", "attach", "--plain-http", "--artifact-type", "text/x-oras", f"{host}/team/app:1", "--annotation", "a=b")
    theirs = set(seen_by_oras(host))
    artifacts = [Artifact.of(NOTE, b'{"note": "after oras"}', IMAGE.manifest.descriptor)]
    attach(host, artifacts)
    assert set(seen_by_oras(host)) == theirs | set(digests(artifacts))


API = [Habits(referrers="api"), Habits(referrers="api", promises=True), Habits(referrers="api", page=1)]


@pytest.mark.parametrize("field", API, indirect=True)
def test_with_an_api_no_tag_is_written(field: FieldRegistry) -> None:
    assert attach(field.host, notes()) == Attached(3, 0, artifacts=tuple(notes()))
    assert attach(field.host, notes()) == Attached(0, 3, artifacts=tuple(notes()))
    assert field.count("PUT", "manifests/") == 2 + 3
    assert f"team/app/{fallback_tag(DIGEST)}" not in field.manifests
    assert digests(found(field.host)) == digests(notes())
    assert seen_by_oras(field.host) == digests(notes())


WITHOUT = [
    Habits(), Habits(promises=True), Habits(referrers="page", promises=True), Habits(referrers="hides", promises=True),
]  # fmt: skip


@pytest.mark.parametrize("field", WITHOUT, indirect=True)
def test_a_promise_to_list_them_is_not_trusted(field: FieldRegistry) -> None:
    tag = fallback_tag(DIGEST)
    assert attach(field.host, notes()).tag == tag
    index = json.loads(field.manifests[f"team/app/{tag}"])
    assert sorted(entry["digest"] for entry in index["manifests"]) == digests(notes())
    assert digests(found(field.host)) == digests(notes())


def listed_under_tag(field: FieldRegistry) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(field.manifests[f"team/app/{fallback_tag(DIGEST)}"])["manifests"]
    return listed


@pytest.mark.parametrize("field", [Habits(conditions=True, rivals=3)], indirect=True)
def test_what_others_write_right_before_is_kept_where_the_registry_heeds_conditions(field: FieldRegistry) -> None:
    field.manifests[f"team/app/{fallback_tag(DIGEST)}"] = with_rival(None)
    attach(field.host, notes(1))
    assert [entry["size"] for entry in listed_under_tag(field)][:4] == [7] * 4
    assert listed_under_tag(field)[4]["digest"] == digests(notes(1))[0]


@pytest.mark.parametrize("field", [Habits(late_rivals=2)], indirect=True)
def test_it_is_written_again_if_others_drop_it(field: FieldRegistry) -> None:
    attach(field.host, notes(1))
    sizes = [entry["size"] for entry in listed_under_tag(field)]
    assert sizes.count(7) == 2
    assert digests(notes(1))[0] in [entry["digest"] for entry in listed_under_tag(field)]


@pytest.mark.parametrize("field", [Habits(late_rivals=100)], indirect=True)
def test_it_is_an_error_if_it_never_stays(field: FieldRegistry) -> None:
    with pytest.raises(TransportError, match="does not list what was attached"):
        attach(field.host, notes(1))


@pytest.mark.parametrize("field", [Habits()], indirect=True)
def test_other_members_of_the_list_stay(field: FieldRegistry) -> None:
    theirs = json.loads(with_rival(None)) | {"annotations": {"com.example": "theirs"}}
    field.manifests[f"team/app/{fallback_tag(DIGEST)}"] = json.dumps(theirs).encode()
    attach(field.host, notes(1))
    index = json.loads(field.manifests[f"team/app/{fallback_tag(DIGEST)}"])
    assert index["annotations"] == {"com.example": "theirs"}
    assert index["manifests"][0] == theirs["manifests"][0]


@pytest.mark.parametrize("field", [Habits()], indirect=True)
def test_an_image_under_that_tag_is_refused_and_stays(field: FieldRegistry) -> None:
    upload_manifest(field.host, "team/app", fallback_tag(DIGEST), IMAGE.manifest.raw, OCI.manifest)
    with pytest.raises(ContentError, match="is not a list of what refers to the image"):
        attach(field.host, notes(1))
    assert field.manifests[f"team/app/{fallback_tag(DIGEST)}"] == IMAGE.manifest.raw


@pytest.mark.parametrize("field", [Habits()], indirect=True)
def test_what_refers_to_another_image_is_not_taken_for_its_own(field: FieldRegistry) -> None:
    other = Artifact.of(NOTE, b"{}", Descriptor.of(OCI.manifest, b"another"))
    upload_manifest(field.host, "team/app", other.manifest.digest, other.manifest.raw, OCI.manifest)
    attach(field.host, [*notes(1), other])
    assert len(listed_under_tag(field)) == 2
    assert digests(found(field.host)) == digests(notes(1))


@pytest.mark.parametrize("field", [Habits(referrers="api")], indirect=True)
def test_the_subject_is_described_as_the_registry_has_it(field: FieldRegistry) -> None:
    client = access().pull(reference(field.host, "team/app:1"))
    assert describe(client, DIGEST) == IMAGE.manifest.descriptor
    with pytest.raises(TransportError, match="does not exist"):
        describe(client, notes(1)[0].manifest.digest)


ONCE = [
    Rule(method="GET", path="manifests/sha256-", change=lambda body: body.replace(b"note", b"nope"), times=1),
    Rule(method="GET", path="manifests/sha256-", status=404, times=1),
    Rule(method="PUT", path="manifests/sha256-", change_request=lambda body: body.replace(b"note", b"nope"), times=1),
]


@pytest.mark.parametrize("rule", ONCE, ids=["altered", "missing", "altered when it is sent"])
def test_what_happens_to_the_list_on_its_way_costs_no_entry(host: str, rule: Rule) -> None:
    theirs = [Artifact.of(NOTE, b'"first"', IMAGE.manifest.descriptor)]
    attach(host, theirs)
    with fault_proxy(host) as proxy:
        proxy.rules = [rule]
        attach(proxy.host, [Artifact.of(NOTE, f"{rule.method} {rule.status}".encode(), IMAGE.manifest.descriptor)])
    raw = run("crane", "manifest", "--insecure", f"{host}/team/app:{fallback_tag(DIGEST)}")
    entries = json.loads(raw)["manifests"]
    assert theirs[0].entry in entries
    assert {entry["artifactType"] for entry in entries} <= {NOTE, "text/x-oras"}
