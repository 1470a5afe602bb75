"""Images read from registries: every step by digest, every byte checked, broken streams resumed."""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.images import SAMPLE, compressed, config_document, flip, image, read_everything, tar
from helpers.registry.faultproxy import Proxy, Rule, fault_proxy
from helpers.registry.registries import (
    access,
    call,
    crane_registry,
    docker_registry,
    noise,
    reference,
    upload,
    upload_blob,
    upload_manifest,
)

from m2build.errors import ContentError, M2BuildError, TransportError, UsageError
from m2build.layers.filesystem import read_filesystem
from m2build.layers.members import Wanted
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.found import FoundImage
from m2build.oci.image import Image, MemoryBlobs, open_blob
from m2build.oci.manifest import build_manifest
from m2build.oci.media_types import DOCKER, OCI, MediaTypes
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent
from m2build.registry.pull import read_remote
from m2build.registry.push import push_image

OF_TYPES = pytest.mark.parametrize("types", [OCI, DOCKER], ids=["oci", "docker"])
ONE = image(*SAMPLE)
LARGE = image(tar(noise(3 << 20)), how="plain")
LAYER = LARGE.manifest.layers[0]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        upload(host, "one", ONE, "v1")
        upload(host, "large", LARGE, "v1")
        yield host


@pytest.fixture
def proxy(host: str) -> Iterator[Proxy]:
    with fault_proxy(host) as proxy:
        yield proxy


def read(host: str, rest: str, platform: str = "linux/amd64") -> FoundImage:
    return read_remote(reference(host, rest), platform, access())


def first_layer(found: Image) -> bytes:
    with open_blob(found.blobs, found.manifest.layers[0]) as reader:
        return b"".join(iter(lambda: reader.read(1 << 16), b""))


def upload_index(host: str, repository: str, types: MediaTypes, tag: str = "multi") -> dict[str, Image]:
    """An index over two platforms and an attestation, as BuildKit pushes it."""
    images = {name: image(*SAMPLE, types=types, architecture=name) for name in ("arm64", "amd64")}
    entries: list[dict[str, Any]] = []
    for name, one in images.items():
        upload(host, repository, one)
        entries.append(one.manifest.descriptor.to_json() | {"platform": {"os": "linux", "architecture": name}})
    statement = b'{"_type":"https://in-toto.io/Statement/v0.1"}'
    layer = Descriptor.of("application/vnd.in-toto+json", statement)
    config = json.dumps(config_document([statement], os="unknown", architecture="unknown")).encode()
    attestation = build_manifest(types, Descriptor.of(types.config, config), [layer], {})
    upload_blob(host, repository, layer.digest, statement)
    upload_blob(host, repository, Digest.of(config), config)
    upload_manifest(host, repository, attestation.digest, attestation.raw, types.manifest)
    unknown = {"os": "unknown", "architecture": "unknown"}
    entries.insert(0, attestation.descriptor.to_json() | {"platform": unknown})
    index = json.dumps({"schemaVersion": 2, "mediaType": types.index, "manifests": entries}, indent=3).encode()
    upload_manifest(host, repository, tag, index, types.index)
    return images | {
        "index": Image(build_manifest(types, config=layer, layers=[], annotations={}), ONE.config, ONE.blobs)
    }


@OF_TYPES
@pytest.mark.parametrize("registry", [docker_registry, crane_registry])
def test_an_image_is_what_was_pushed_to_the_byte(registry: Any, types: MediaTypes, tmp_path: Path) -> None:
    sample = image(*SAMPLE, types=types)
    with registry(tmp_path) as host:
        upload(host, "team/app", sample, "v1")
        by_tag = read(host, "team/app:v1")
        by_digest = read(host, f"team/app@{sample.manifest.digest}")
        first_layer(by_tag.image)
    for found in (by_tag, by_digest):
        assert found.digest == sample.manifest.digest
        assert (found.image.manifest.raw, found.image.config.raw) == (sample.manifest.raw, sample.config.raw)


def test_layers_are_streamed_as_stored(host: str) -> None:
    found = read(host, "one:v1").image
    assert hashlib.sha256(first_layer(found)).hexdigest() == hashlib.sha256(compressed(SAMPLE[0], "gzip")).hexdigest()


def test_a_server_that_calls_compression_an_encoding_changes_no_bytes(proxy: Proxy) -> None:
    """Object stores keep that header with a layer; a client that obeyed it would see other bytes."""
    proxy.rules = [Rule("GET", "blobs/", headers={"Content-Encoding": "gzip"})]
    found = read(proxy.host, "one:v1").image
    assert Digest.of(first_layer(found)) == found.manifest.layers[0].digest


def test_a_long_refusal_is_not_read_to_its_end(proxy: Proxy) -> None:
    proxy.rules = [Rule("GET", f"blobs/{LAYER.digest}", status=503, times=1, body=bytes(8 << 20))]
    assert Digest.of(first_layer(read(proxy.host, "large:v1").image)) == LAYER.digest
    gc.collect()  # an open socket would be complained of
    assert proxy.connections == 2


def test_without_a_tag_it_is_latest(host: str) -> None:
    upload(host, "tagged", ONE, "latest")
    assert read(host, "tagged").digest == ONE.manifest.digest


def test_a_digest_takes_precedence_over_the_tag_beside_it(host: str) -> None:
    other = image(SAMPLE[0])
    upload(host, "both", ONE, "v1")
    upload(host, "both", other)
    assert read(host, f"both:v1@{other.manifest.digest}").image.manifest.raw == other.manifest.raw


@OF_TYPES
def test_an_index_gives_the_digest_and_the_platforms_image(types: MediaTypes, host: str) -> None:
    repository = f"multi-{'oci' if types is OCI else 'docker'}"
    images = upload_index(host, repository, types)
    _, headers, raw = call("GET", f"http://{host}/v2/{repository}/manifests/multi", headers={"Accept": types.index})
    assert headers["Content-Type"] == types.index
    for name in ("arm64", "amd64"):
        found = read(host, f"{repository}:multi", f"linux/{name}")
        assert found.image.manifest.raw == images[name].manifest.raw
        assert found.digest.hex == hashlib.sha256(raw).hexdigest()
    with pytest.raises(UsageError, match=r"no image for linux/s390x; it has linux/amd64, linux/arm64"):
        read(host, f"{repository}:multi", "linux/s390x")


def test_an_image_for_another_platform_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match="linux/amd64, not for linux/arm64") as caught:
        read_image(Place(PlaceKind.REGISTRY, f"{host}/one:v1"), "linux/arm64", access())
    assert "--platform linux/amd64" in str(caught.value.hint)


@pytest.mark.parametrize("rest", ["one:absent", "absent:v1", f"one@sha256:{'0' * 64}"])
def test_a_missing_image_is_reported(rest: str, host: str) -> None:
    with pytest.raises(TransportError, match="does not exist") as caught:
        read(host, rest)
    assert rest in str(caught.value)
    assert caught.value.exit_code == 8
    assert "check the name" in str(caught.value.hint)


def spoil(path: str, change: Callable[[bytes], bytes]) -> Rule:
    return Rule("GET", path, change=change)


@pytest.mark.parametrize(
    ("rest", "rule", "kind", "words"),
    [
        (f"large@{LARGE.manifest.digest}", spoil("manifests", lambda raw: raw + b" "), ContentError, "altered"),
        ("large:v1", spoil(str(LARGE.manifest.config.digest), flip), ContentError, "altered"),
        ("large:v1", spoil(str(LARGE.manifest.config.digest), lambda raw: raw[:-1]), ContentError, "truncated"),
        ("large:v1", spoil(str(LAYER.digest), flip), ContentError, "altered"),
        ("large:v1", spoil(str(LAYER.digest), lambda raw: raw[:-1]), ContentError, "truncated"),
        ("large:v1", spoil(str(LAYER.digest), lambda _: b""), ContentError, "truncated"),
        ("large:v1", Rule("GET", f"blobs/{LAYER.digest}", status=404), ContentError, "has no blob"),
        ("large:v1", Rule("GET", f"blobs/{LAYER.digest}", status=500), TransportError, "500"),
        ("large:v1", spoil("manifests", lambda _: bytes(17 << 20)), TransportError, "more than 4194304"),
        ("large:v1", spoil("manifests", lambda _: b"<html>"), ContentError, "altered"),
    ],
)  # fmt: skip
def test_altered_or_malformed_content_is_refused(
    rest: str, rule: Rule, kind: type[M2BuildError], words: str, proxy: Proxy
) -> None:
    proxy.rules = [rule]
    with pytest.raises(kind, match=words) as caught:
        first_layer(read(proxy.host, rest).image)
    assert str(LAYER.digest) in str(caught.value) or f"{proxy.host}" in str(caught.value)


@pytest.mark.parametrize("change", [flip, lambda raw: raw[:-1], lambda raw: raw[:100], lambda _: b"<html>"])
@pytest.mark.parametrize("path", ["manifests", str(LARGE.manifest.config.digest), str(LAYER.digest)])
def test_altered_content_is_fetched_again(path: str, change: Callable[[bytes], bytes], proxy: Proxy) -> None:
    proxy.rules = [Rule("GET", path, times=2, change=change)]
    found = read(proxy.host, "large:v1").image
    wanted = Wanted(frozenset({"noise"}))
    members = read_filesystem(found, wanted, Silent())
    assert len(members["noise"].content) == 3 << 20
    assert proxy.rules[0].times <= 0


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_a_compressed_layer_altered_in_transit_is_fetched_again(how: str, host: str, proxy: Proxy) -> None:
    """It cannot be decompressed. The layer itself is blamed only if its bytes are those of the registry."""
    sample = image(tar(noise(100_000)), how=how)
    layer = sample.manifest.layers[0]
    upload(host, f"small-{how}", sample, "v1")
    for position in (4, 5_000, layer.size - 2):
        spoilt = Rule("GET", str(layer.digest), times=1, change=altered_at(position))
        proxy.rules = [spoilt]
        found = read(proxy.host, f"small-{how}:v1").image
        assert len(read_filesystem(found, Wanted(frozenset({"noise"})), Silent())["noise"].content) == 100_000
        assert spoilt.times <= 0


def altered_at(position: int) -> Callable[[bytes], bytes]:
    return lambda raw: raw[:position] + bytes([raw[position] ^ 0x55]) + raw[position + 1 :]


def test_a_layer_damaged_in_the_registry_is_fetched_once(host: str, proxy: Proxy) -> None:
    plain = tar(noise(100_000))
    damaged = altered_at(60_000)(compressed(plain, "gzip"))
    layer = Descriptor.of(OCI.layer_gzip, damaged)
    config = json.dumps(config_document([plain])).encode()
    manifest = build_manifest(OCI, Descriptor.of(OCI.config, config), [layer], {})
    upload(host, "rotten", Image(manifest, ImageConfig(config), MemoryBlobs({layer.digest: damaged})), "v1")
    found = read(proxy.host, "rotten:v1").image
    with pytest.raises(ContentError, match=f"layer {layer.digest} in {proxy.host}/rotten"):
        read_filesystem(found, Wanted(frozenset({"noise"})), Silent())
    assert len(proxy.seen("GET", str(layer.digest))) == 1


def test_a_layer_that_was_altered_once_is_copied_whole(proxy: Proxy, tmp_path: Path) -> None:
    """To a layout, to an archive, and to another repository."""
    spoilt = Rule("GET", str(LAYER.digest), times=1, change=flip)
    for kind in (PlaceKind.OCI, PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE):
        spoilt.times, proxy.rules = 1, [spoilt]
        found, place = read(proxy.host, "large:v1").image, Place(kind, str(tmp_path / kind), "m2:v1")
        place = replace(place, tag="v1") if kind is PlaceKind.OCI else place
        write_image(found, place, tag="v1", reference="m2:v1", replace=False, progress=Silent())
        assert spoilt.times <= 0
        assert Digest.of(first_layer(read_everything(place))) in (LAYER.digest, LARGE.config.diff_ids[0])
    spoilt.times = 1
    push_image(read(proxy.host, "large:v1").image, reference(proxy.upstream, "again:v1"), access(), Silent())
    with fault_proxy(proxy.upstream, Rule("HEAD", "blobs", status=404, times=2)) as target:
        spoilt.times = 1
        push_image(read(proxy.host, "large:v1").image, reference(target.host, "again:v2"), access(), Silent())
        assert spoilt.times <= 0


def test_bytes_after_a_blobs_end_are_never_read(proxy: Proxy) -> None:
    proxy.rules = [spoil(str(LAYER.digest), lambda raw: raw + b"more")]
    assert Digest.of(first_layer(read(proxy.host, "large:v1").image)) == LAYER.digest


def test_a_manifest_below_an_index_is_checked_against_it(host: str, proxy: Proxy) -> None:
    images = upload_index(host, "lying", OCI)
    proxy.rules = [Rule("GET", f"manifests/{images['amd64'].manifest.digest}", change=lambda raw: raw + b"\n")]
    with pytest.raises(ContentError, match=f"manifest {images['amd64'].manifest.digest} is altered"):
        read(proxy.host, "lying:multi")


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_broken_stream_is_resumed(knows_ranges: bool, proxy: Proxy) -> None:  # noqa: FBT001
    blob = f"blobs/{LAYER.digest}"
    strip = "" if knows_ranges else "Range"
    cuts = [Rule("GET", blob, times=1, cut_response=(1 << 20) + 17 * number, strip=strip) for number in range(3)]
    proxy.rules = [*cuts, Rule("GET", blob, strip=strip)]
    assert Digest.of(first_layer(read(proxy.host, "large:v1").image)) == LAYER.digest
    gets = proxy.seen("GET", blob)
    assert [record.status for record in gets] == [200, *[206 if knows_ranges else 200] * (len(gets) - 1)]
    assert len(gets) == 4
    assert gets[1].headers["Range"] == f"bytes={1 << 20}-"


def test_a_stream_that_keeps_breaking_fails(proxy: Proxy) -> None:
    proxy.rules = [Rule("GET", f"blobs/{LAYER.digest}", cut_response=1000)]
    with pytest.raises(TransportError, match=rf"keeps breaking during the blob {LAYER.digest}, at byte \d+ of"):
        first_layer(read(proxy.host, "large:v1").image)
    assert len(proxy.seen("GET", "blobs/")) < 20


@pytest.mark.parametrize("fault", [Rule(times=1, drop=True), Rule(times=1, status=503), Rule(times=1, cut_response=1)])
@pytest.mark.parametrize("request_number", range(4))
def test_one_failure_anywhere_does_no_harm(request_number: int, fault: Rule, proxy: Proxy) -> None:
    proxy.rules = [Rule(**{**vars(fault), "skip": request_number})]
    assert Digest.of(first_layer(read(proxy.host, "large:v1").image)) == LAYER.digest
    assert proxy.rules[0].times <= 0


def test_connections_are_kept(proxy: Proxy) -> None:
    found = read(proxy.host, "one:v1").image
    for layer in found.manifest.layers:
        with open_blob(found.blobs, layer) as reader:
            reader.drain()
    assert len(proxy.records) == 5
    assert proxy.connections == 1
