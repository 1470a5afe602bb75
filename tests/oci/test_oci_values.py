"""Digests, descriptors, manifests, indexes, configs and references as values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.images import config_document
from hypothesis import given
from hypothesis import strategies as st

from m2build.errors import ContentError, UsageError
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor, JsonObject
from m2build.oci.digest import Digest
from m2build.oci.history import begins_with, mended
from m2build.oci.manifest import Index, Manifest, build_manifest, parse_manifest
from m2build.oci.media_types import DOCKER, OCI, MediaTypes
from m2build.oci.reference import parse_reference

HELLO = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
OF_TYPES = pytest.mark.parametrize("types", [OCI, DOCKER], ids=["oci", "docker"])


def descriptor(media_type: str = OCI.config, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": HELLO, "size": 5, **more}


def manifest_document(types: MediaTypes = OCI, **members: Any) -> dict[str, Any]:
    layers = [descriptor(types.layer_gzip)]
    document = {"schemaVersion": 2, "mediaType": types.manifest, "config": descriptor(types.config), "layers": layers}
    return {key: value for key, value in (document | members).items() if value is not ...}


def index_of(*platforms: str | None, types: MediaTypes = OCI) -> Index:
    entries = []
    for number, platform in enumerate(platforms):
        system, _, rest = (platform or "").partition("/")
        architecture, _, variant = rest.partition("/")
        members = {"os": system, "architecture": architecture} | ({"variant": variant} if variant else {})
        entry = descriptor(types.manifest) | {"digest": str(Digest.of(b"%d" % number))}
        entries.append(entry | ({"platform": members} if platform else {}))
    index = parse_manifest(json.dumps({"schemaVersion": 2, "mediaType": types.index, "manifests": entries}).encode())
    assert isinstance(index, Index)
    return index


def test_a_digest_is_read_and_written_in_one_form() -> None:
    assert str(Digest.of(b"hello")) == HELLO
    assert Digest.parse(HELLO) == Digest.of(b"hello")
    assert str(Digest.parse("sha512:" + "a" * 128)) == "sha512:" + "a" * 128


@pytest.mark.parametrize(
    "text", ["", "sha256:", HELLO.upper(), HELLO[:-1], HELLO + "0", HELLO + "\n", "md5:" + "a" * 32, "a" * 64, None, 7]
)
def test_a_malformed_digest_is_refused(text: Any) -> None:
    with pytest.raises(ContentError):
        Digest.parse(text)


def test_a_descriptor_keeps_unknown_members() -> None:
    document = descriptor(
        annotations={"a": "b"}, urls=["https://example.com"], platform={"os": "linux", "os.version": "1"}
    )
    assert Descriptor.parse(document).to_json() == document


@pytest.mark.parametrize("change", [{"size": -1}, {"size": "5"}, {"size": True}, {"digest": "x"}, {"mediaType": None}])
def test_a_malformed_descriptor_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ContentError):
        Descriptor.parse(descriptor() | change)


@OF_TYPES
def test_a_built_manifest_round_trips_and_is_reproducible(types: MediaTypes) -> None:
    config, layer = Descriptor.of(types.config, b"{}"), Descriptor.of(types.layer_gzip, b"layer")
    built = build_manifest(types, config, [layer], {"z": "1", "a": "2"})
    assert built.raw == build_manifest(types, config, [layer], {"a": "2", "z": "1"}).raw
    assert json.loads(built.raw)["mediaType"] == types.manifest
    assert json.loads(built.raw).get("annotations") == ({"a": "2", "z": "1"} if types is OCI else None)
    again = parse_manifest(built.raw)
    assert isinstance(again, Manifest)
    assert (again.types, again.config, again.layers, again.digest) == (types, config, (layer,), Digest.of(built.raw))


def test_empty_annotations_are_left_out() -> None:
    assert "annotations" not in json.loads(build_manifest(OCI, Descriptor.of(OCI.config, b""), [], {}).raw)


def test_the_digest_is_of_the_bytes_as_received() -> None:
    raw = json.dumps(manifest_document(), indent=7).encode() + b"\n"
    manifest = parse_manifest(raw)
    assert isinstance(manifest, Manifest)
    assert manifest.digest == Digest.of(raw)


def test_the_manifests_own_type_decides_its_family() -> None:
    mixed = manifest_document(DOCKER, layers=[descriptor(OCI.layer_gzip)])
    manifest = parse_manifest(json.dumps(mixed).encode())
    assert isinstance(manifest, Manifest)
    assert manifest.types is DOCKER
    assert manifest.layers[0].media_type == OCI.layer_gzip


def test_a_manifest_without_media_type_has_its_descriptors() -> None:
    for absent in (..., None, ""):  # Go reads the three alike
        raw = json.dumps(manifest_document(mediaType=absent)).encode()
        assert isinstance(parse_manifest(raw, OCI.manifest), Manifest)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        json.dumps(manifest_document())[:-1].encode(),
        json.dumps(manifest_document(schemaVersion=1)).encode(),
        json.dumps(manifest_document(config=...)).encode(),
        json.dumps(manifest_document(layers={})).encode(),
        json.dumps(manifest_document(layers=[7])).encode(),
        json.dumps(manifest_document(mediaType="text/plain")).encode(),
        json.dumps(manifest_document(config=descriptor("application/vnd.cncf.helm.config.v1+json"))).encode(),
        json.dumps(manifest_document(manifests=[])).encode(),
        json.dumps(manifest_document())[:-1].encode() + b',"layers":[]}',
    ],
    ids=["empty", "list", "binary", "deep", "cut", "version-1", "no-config", "layers-object", "layer-number", "type",
         "artifact", "both-kinds", "member-twice"],
)  # fmt: skip
def test_a_malformed_manifest_is_refused(raw: bytes) -> None:
    with pytest.raises(ContentError):
        parse_manifest(raw)


def test_a_document_that_contradicts_its_descriptor_is_refused() -> None:
    """https://github.com/opencontainers/distribution-spec/security/advisories/GHSA-mc8v-mgrf-8f4m (CVE-2021-41190)."""
    with pytest.raises(ContentError):
        parse_manifest(json.dumps(manifest_document()).encode(), OCI.index)


def test_a_config_gives_what_is_needed_and_keeps_the_rest() -> None:
    document = config_document([b"one"], vendorThing={"kept": [1, 2.5, None]})
    config = ImageConfig(json.dumps(document).encode())
    assert config.diff_ids == (Digest.of(b"one"),)
    assert (config.platform, config.created, config.labels) == ("linux/amd64", document["created"], {"a": "b"})
    assert config.document() == document
    config.document()["os"] = "changed"
    assert config.document() == document


def test_chain_ids_agree_with_sha256sum() -> None:
    """By `printf '%s %s' sha256:… sha256:… | sha256sum`; containerd names its snapshots by them."""
    config = ImageConfig(json.dumps(config_document([b"a", b"b", b"c"])).encode())
    assert [str(digest) for digest in config.chain_ids] == [
        "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        "sha256:51c0c8ace48498d6f5fee6b0592cc06f2da0f3cbe09c5a34a97dce85c3889676",
        "sha256:2fce7f8ce91bcf0a1428b36e1024639fdbd9469eea762dba98aa749631885106",
    ]
    assert ImageConfig(json.dumps(config_document([])).encode()).chain_ids == ()


@pytest.mark.parametrize(
    "change",
    [
        {"rootfs": None},
        {"rootfs": {"type": "layers"}},
        {"rootfs": {"diff_ids": ["sha256:1"]}},
        {"history": "none"},
        {"history": [{"empty_layer": "yes"}]},
        {"config": {"Env": "A=1"}},
        {"config": {"Volumes": ["/v"]}},
        {"config": {"Labels": {"a": 1}}},
        {"config": {"Healthcheck": {"Interval": 1 << 63}}},
        {"created": 7},
    ],
)
def test_a_config_that_contradicts_itself_is_refused(change: dict[str, Any]) -> None:
    config = ImageConfig(json.dumps(config_document([b"one"]) | change).encode())
    with pytest.raises(ContentError):
        config.check(layers=1)


@pytest.mark.parametrize("history", [None, [], [{}], [None], [{"empty_layer": True}], [{}, {}, {}]])
def test_a_history_that_contradicts_the_layers_is_accepted(history: Any) -> None:
    ImageConfig(json.dumps(config_document([b"one"]) | {"history": history}).encode()).check(layers=1)


@given(st.lists(st.booleans(), max_size=6), st.integers(0, 4))
def test_a_completed_history_has_an_entry_for_every_layer(empty: list[bool], layers: int) -> None:
    history: list[JsonObject] = [{"comment": str(n), "empty_layer": is_empty} for n, is_empty in enumerate(empty)]
    found = mended(history, layers)
    assert sum(not entry.get("empty_layer") for entry in found) == layers
    assert [entry["comment"] for entry in found[: len(empty)]] == [str(n) for n in range(len(empty))]
    if empty.count(False) == layers:
        assert found == history


ENTRY: JsonObject = {"created": "2024-05-06T07:08:09.120Z", "created_by": "x", "author": "", "tool": 1}


@pytest.mark.parametrize(
    ("copy", "is_one"),
    [
        ({"created": "2024-05-06T07:08:09.12Z", "created_by": "x"}, True),
        ({"created": "2024-05-06T07:08:09.12+00:00", "created_by": "x", "comment": None, "tool": 1}, True),
        ({"created": "2024-05-06T07:08:09.12Z", "created_by": "x", "empty_layer": True}, False),
        ({"created": "2024-05-06T07:08:09.12Z", "created_by": "y"}, False),
        ({"created": "2024-05-06T07:08:09.12Z"}, False),
        ({"created": "2024-05-06T07:08:09.12Z", "created_by": "x", "tool": 2}, False),
        ({"created": "2024-05-06T07:08:09.12Z", "created_by": "x", "evil": 1}, False),
        ({"created": "2024-05-06T07:08:09.13Z", "created_by": "x"}, False),
        ({"created_by": "x"}, False),
    ],
)
def test_an_engine_copies_an_entry_of_a_history_with_what_it_says(copy: JsonObject, is_one: bool) -> None:  # noqa: FBT001 - a column
    assert begins_with([copy, {"created_by": "more"}], [ENTRY]) is is_one


@pytest.mark.parametrize("time", [None, "0001-01-01T00:00:00Z"])
def test_an_entry_without_a_time_may_get_one(time: str | None) -> None:
    copy: JsonObject = {"created": "2026-11-27T00:00:00Z", "created_by": "x"}
    assert begins_with([copy], [{"created": time, "created_by": "x"}])
    assert not begins_with([], [{"created_by": "x"}])


@pytest.mark.parametrize("scheme", ["docker", "https", "oci"])
def test_a_name_with_a_scheme_is_shown_without(scheme: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_reference(f"{scheme}://localhost:5000/x:y")
    assert refused.value.hint == f"a name has no {scheme}:// in front: write localhost:5000/x:y"


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("ubuntu", "docker.io/library/ubuntu"),
        ("ubuntu:22.04", "docker.io/library/ubuntu:22.04"),
        ("lmsysorg/sglang:v1", "docker.io/lmsysorg/sglang:v1"),
        ("docker.io/ubuntu:1", "docker.io/library/ubuntu:1"),
        ("index.docker.io/a/b:1", "docker.io/a/b:1"),
        ("localhost/a:1", "localhost/a:1"),
        ("localhost:5000/a/b/c:1", "localhost:5000/a/b/c:1"),
        ("[::1]:5000/a", "[::1]:5000/a"),
        ("ghcr.io/a/b__c.d--e:V_1.0-x", "ghcr.io/a/b__c.d--e:V_1.0-x"),
        (f"a/b:t@{HELLO}", f"docker.io/a/b:t@{HELLO}"),
    ],
)
def test_references_are_parsed_as_docker_parses_them(text: str, full: str) -> None:
    assert str(parse_reference(text)) == full
    assert str(parse_reference(full)) == full


@pytest.mark.parametrize(
    "text",
    ["", ":", "a:", "A", "Foo/bar", "a//b", "/a", "a/", "a:-t", "a:" + "t" * 129, "a@sha256:12", "a b", "a:b:c", "-a",
     "ghcr.io/", "a\n", "a" * 256, "a" * 64 + "/../b"],
)  # fmt: skip
def test_a_malformed_reference_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)


@pytest.mark.parametrize("path", ["/" + "d/" * 300, "/" + "d" * 5000, "/a\0b"])
def test_a_working_directory_that_linux_cannot_have_is_refused(path: str) -> None:
    config = ImageConfig(json.dumps(config_document([b"one"], config={"WorkingDir": path})).encode())
    with pytest.raises(ContentError, match=r"WorkingDir .* has more than 4096 characters"):
        _ = config.working_dir
