"""Pushes: blobs that exist are not sent, the tag moves last, and after any failure it names a whole image."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
from helpers.images import SAMPLE, file, image, tar
from helpers.registry.faultproxy import FOREVER, Proxy, Rule, fault_proxy
from helpers.registry.registries import (
    access,
    call,
    crane_registry,
    docker_registry,
    noise,
    reference,
    tag_digest,
    upload,
)
from helpers.support import sampled

from m2build.errors import ContentError, StorageError, TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image, MemoryBlobs
from m2build.oci.media_types import DOCKER, OCI, MediaTypes
from m2build.progress import Silent
from m2build.registry.pull import read_remote
from m2build.registry.push import Transfer, push_image

NEW, OLD = image(*SAMPLE), image(tar(file("old")))
SMALL = image(SAMPLE[0])
REQUESTS = 13
"""A push of SMALL: the scheme; HEAD, POST, PUT, HEAD for layer and config; HEAD of the tag; PUT of the manifest by its
digest and by the tag; HEAD of the tag."""
TAG_PUT = REQUESTS - 2
"""The number of the request that moves the tag."""
LARGE = image(tar(noise(9 << 20)), how="plain")
FAULTS = {
    "answer lost": Rule(lose=True), "refused": Rule(status=503), "dropped": Rule(drop=True),
    "request cut": Rule(cut_request=50),
}  # fmt: skip
numbers = itertools.count()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture(scope="module")
def no_mounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with crane_registry(tmp_path_factory.mktemp("crane")) as host:
        yield host


@pytest.fixture
def proxy(host: str) -> Iterator[Proxy]:
    with fault_proxy(host) as proxy:
        yield proxy


def push(host: str, rest: str, sample: Image = NEW, mount_from: str | None = None) -> Transfer:
    return push_image(sample, reference(host, rest), access(), Silent(), mount_from=mount_from)


def unpublished_image(types: MediaTypes = OCI) -> Image:
    """An image with blobs that no registry has yet: some share blobs between repositories."""
    return image(*(tar(file("new", f"{next(numbers)}".encode())) for _ in range(2)), types=types)


def size_of(sample: Image) -> int:
    return sum(blob.size for blob in (*sample.manifest.layers, sample.manifest.config))


def with_old(host: str) -> str:
    """A fresh repository whose tag v1 names the old image."""
    repository = f"app{next(numbers)}"
    upload(host, repository, OLD, "v1")
    return repository


def holds(host: str, repository: str, sample: Image) -> bool:
    urls = [
        f"http://{host}/v2/{repository}/blobs/{blob.digest}"
        for blob in (*sample.manifest.layers, sample.manifest.config)
    ]
    return all(call("HEAD", url)[0] == 200 for url in urls)


@pytest.mark.parametrize("types", [OCI, DOCKER], ids=["oci", "docker"])
@pytest.mark.parametrize("where", ["host", "no_mounts"])
def test_a_second_push_sends_nothing(where: str, types: MediaTypes, request: pytest.FixtureRequest) -> None:
    host = request.getfixturevalue(where)
    sample = unpublished_image(types)
    repository = f"new{next(numbers)}"
    with fault_proxy(host) as proxy:
        assert push(proxy.host, f"{repository}:v1", sample) == Transfer(
            existing=0, mounted=0, uploaded=3, bytes=size_of(sample)
        )
        assert tag_digest(host, repository, "v1") == str(sample.manifest.digest)
        proxy.records.clear()
        assert push(proxy.host, f"{repository}:v1", sample) == Transfer(existing=3, mounted=0, uploaded=0, bytes=0)
        assert {method for method, _ in proxy.requests} == {"GET", "HEAD"}


def test_blobs_then_the_manifest_by_its_digest_then_the_tag(proxy: Proxy) -> None:
    repository = f"order{next(numbers)}"
    push(proxy.host, f"{repository}:v1")
    writes = [path for method, path in proxy.requests if method == "PUT"]
    assert len(writes) == 5
    assert all(path.startswith(f"/v2/{repository}/blobs/uploads/") for path in writes[:3])
    assert writes[3:] == [f"/v2/{repository}/manifests/{NEW.manifest.digest}", f"/v2/{repository}/manifests/v1"]
    assert [record.status for record in proxy.seen("PUT", "manifests")] == [201, 201]


def test_without_a_tag_only_the_digest_is_written(proxy: Proxy) -> None:
    repository = f"untagged{next(numbers)}"
    push(proxy.host, repository)
    path = f"/v2/{repository}/manifests/{NEW.manifest.digest}"
    assert [request for request in proxy.requests if "manifests" in request[1]] == [
        ("HEAD", path), ("PUT", path), ("HEAD", path),
    ]  # fmt: skip


def test_equal_layers_are_sent_once(host: str) -> None:
    twice = image(SAMPLE[0], SAMPLE[0])
    assert push(host, f"twice{next(numbers)}:v1", twice).uploaded == 2


def test_layers_are_mounted_from_another_repository(proxy: Proxy, host: str) -> None:
    upload(host, "source", NEW, "v1")
    repository = f"mounted{next(numbers)}"
    assert push(proxy.host, f"{repository}:v1", mount_from="source") == Transfer(0, mounted=3, uploaded=0, bytes=0)
    assert [record for record in proxy.seen("PUT") if "blobs" in record.path] == []
    assert tag_digest(host, repository, "v1") == str(NEW.manifest.digest)


@pytest.mark.parametrize("status", [202, 400, 401, 403, 404, 405])
def test_a_refused_mount_becomes_an_upload(status: int, proxy: Proxy, host: str) -> None:
    upload(host, "source", NEW, "v1")
    repository = f"refused{next(numbers)}"
    source = "nowhere" if status == 202 else "source"
    if status != 202:
        proxy.rules = [Rule("POST", "mount=", status=status)]
    assert push(proxy.host, f"{repository}:v1", mount_from=source) == Transfer(0, 0, uploaded=3, bytes=size_of(NEW))
    posts = 3 if status == 202 else 6
    assert len(proxy.seen("POST")) == posts
    assert tag_digest(host, repository, "v1") == str(NEW.manifest.digest)


def test_a_registry_without_mounts_gets_everything(no_mounts: str) -> None:
    sample = unpublished_image()
    assert push(no_mounts, "copied:v1", sample, "source") == Transfer(0, 0, uploaded=3, bytes=size_of(sample))


def test_from_one_registry_to_another(host: str, no_mounts: str) -> None:
    upload(host, "large", LARGE, "v1")
    found = read_remote(reference(host, "large:v1"), "linux/amd64", access())
    push(no_mounts, "large:v1", found.image)
    assert tag_digest(no_mounts, "large", "v1") == str(LARGE.manifest.digest)
    assert holds(no_mounts, "large", LARGE)


def test_a_broken_source_is_resumed_during_the_upload(proxy: Proxy, no_mounts: str) -> None:
    sample = image(tar(noise(9 << 20, seed=9)), how="plain")
    layer = sample.manifest.layers[0]
    upload(proxy.upstream, "source9", sample, "v1")
    proxy.rules = [Rule("GET", str(layer.digest), times=2, cut_response=3 << 20)]
    found = read_remote(reference(proxy.host, "source9:v1"), "linux/amd64", access())
    with fault_proxy(no_mounts) as target:
        push(target.host, "resumed:v1", found.image)
        assert [record.sent for record in target.seen("PATCH")] == [layer.size]
    assert len(proxy.seen("GET", str(layer.digest))) == 3


def test_altered_layers_do_not_reach_the_tag(proxy: Proxy, host: str) -> None:
    repository = with_old(host)
    altered = dict.fromkeys((layer.digest for layer in NEW.manifest.layers), b"")
    for layer in NEW.manifest.layers:
        altered[layer.digest] = bytes(layer.size)
    with pytest.raises(ContentError, match="altered"):
        push(proxy.host, f"{repository}:v1", replace(NEW, blobs=MemoryBlobs(altered)))
    assert tag_digest(host, repository, "v1") == str(OLD.manifest.digest)
    assert proxy.seen("PUT", "manifests") == []


def test_an_unreadable_source_is_not_blamed_on_the_registry(host: str, tmp_path: Path) -> None:
    class Broken(MemoryBlobs):
        def open(self, descriptor: Descriptor) -> BinaryIO:  # noqa: ARG002
            return Path("/proc/self/mem").open("rb")  # reading its beginning is an input/output error

    with pytest.raises(StorageError, match="/proc/self/mem cannot be read: Input/output error"):
        push(host, f"broken{next(numbers)}:v1", replace(NEW, blobs=Broken({})))


def test_how_many_requests_a_push_takes(proxy: Proxy, host: str) -> None:
    push(proxy.host, f"{with_old(host)}:v1", SMALL)
    assert len(proxy.records) == REQUESTS


@pytest.mark.parametrize("fault", sampled(FAULTS, every=4))
def test_the_tag_stays_when_the_network_fails_at_any_point_and_a_second_push_succeeds(fault: str, host: str) -> None:
    for number in range(REQUESTS):
        repository = with_old(host)
        with fault_proxy(host, replace(FAULTS[fault], skip=number)) as proxy:
            with pytest.raises(TransportError) as caught:
                push(proxy.host, f"{repository}:v1", SMALL)
            assert "\n" not in str(caught.value)
            # Where only its confirmation was lost, the tag names the new image, which is whole.
            was_put = number > TAG_PUT or (fault == "answer lost" and number == TAG_PUT)
            assert tag_digest(host, repository, "v1") == str((SMALL if was_put else OLD).manifest.digest)
            proxy.rules = []
            push(proxy.host, f"{repository}:v1", SMALL)
        assert tag_digest(host, repository, "v1") == str(SMALL.manifest.digest)
        assert holds(host, repository, SMALL)


@pytest.mark.parametrize("fault", sampled(reversed(FAULTS), every=4))
def test_one_failure_anywhere_does_no_harm(fault: str, host: str) -> None:
    for number in range(REQUESTS):
        repository = with_old(host)
        rule = replace(FAULTS[fault], skip=number, times=1)
        with fault_proxy(host, rule) as proxy:
            push(proxy.host, f"{repository}:v1", SMALL)
        assert rule.times <= 0
        assert tag_digest(host, repository, "v1") == str(SMALL.manifest.digest)


@pytest.mark.parametrize("status", sampled([408, 429, 499, 500, 502, 503, 504, 522], every=2))
def test_temporary_failures_are_retried_at_every_step(status: int, proxy: Proxy, host: str) -> None:
    repository = with_old(host)
    steps = (("HEAD", "blobs/"), ("POST", "uploads/"), ("PUT", "uploads/"), ("PUT", "sha256:"), ("PUT", "manifests/v1"))
    proxy.rules = [Rule(method, path, times=2, status=status) for method, path in steps]
    push(proxy.host, f"{repository}:v1")
    assert all(rule.times <= 0 for rule in proxy.rules)
    assert tag_digest(host, repository, "v1") == str(NEW.manifest.digest)


@pytest.mark.parametrize("mount_from", [None, "nowhere"])
def test_a_broken_upload_starts_over_with_a_post(mount_from: str | None, proxy: Proxy) -> None:
    proxy.rules = [Rule("PUT", "blobs/uploads", times=1, cut_request=60)]
    push(proxy.host, f"cut{next(numbers)}:v1", mount_from=mount_from)
    assert len(proxy.seen("POST")) == 4
    uploads = [record.path.partition("?")[0] for record in proxy.seen("PUT", "blobs/uploads")]
    assert len(set(uploads)) == len(uploads) == 4


def test_a_large_blob_goes_in_one_patch_and_is_sent_again_as_a_whole(proxy: Proxy, host: str) -> None:
    proxy.rules = [Rule("PATCH", times=1, cut_request=4 << 20), Rule("PUT", "blobs/uploads", times=1, status=502)]
    push(proxy.host, f"large{next(numbers)}:v1", LARGE)
    size = LARGE.manifest.layers[0].size
    assert [(record.status, record.sent) for record in proxy.seen("PATCH")] == [(None, size), (202, size)]


def test_a_blob_whose_confirmation_was_lost_is_not_sent_again(proxy: Proxy) -> None:
    proxy.rules = [Rule("PUT", "blobs/uploads", times=1, lose=True)]
    push(proxy.host, f"lost{next(numbers)}:v1", image(SAMPLE[0]))
    assert len(proxy.seen("PUT", "blobs/uploads")) == 2


def test_retry_after_is_obeyed_up_to_a_limit(proxy: Proxy) -> None:
    pauses: list[float] = []
    user = access()
    user.transport._sleep = pauses.append
    proxy.rules = [Rule("HEAD", times=1, status=429, headers={"Retry-After": "7"})]
    push_image(image(SAMPLE[0]), reference(proxy.host, f"slow{next(numbers)}:v1"), user, Silent())
    assert pauses == [7]
    proxy.rules = [Rule("HEAD", status=429, headers={"Retry-After": "3600"})]
    proxy.records.clear()
    with pytest.raises(TransportError, match="429") as caught:
        push_image(image(SAMPLE[0]), reference(proxy.host, f"slow{next(numbers)}:v1"), user, Silent())
    assert pauses == [7]
    assert caught.value.hint == "try again later"


@pytest.mark.parametrize("header", ["soon", "-1", "\u00b2", "9" * 400, "Fri, 31 Dec 1999 23:59:59 GMT", "1e3"])
def test_an_odd_retry_after_does_no_harm(header: str, proxy: Proxy) -> None:
    proxy.rules = [Rule("HEAD", times=1, status=429, headers={"Retry-After": header})]
    if header.isdigit() and header.isascii():
        with pytest.raises(TransportError, match="429"):
            push(proxy.host, f"odd{next(numbers)}:v1")
    else:
        push(proxy.host, f"odd{next(numbers)}:v1")


def test_a_blob_that_is_never_accepted_fails(proxy: Proxy, host: str) -> None:
    repository = with_old(host)
    proxy.rules = [Rule("PUT", "blobs/uploads", times=FOREVER, status=503)]
    with pytest.raises(TransportError, match=r"does not accept the blob sha256:[0-9a-f]+: it answers 503"):
        push(proxy.host, f"{repository}:v1")
    assert tag_digest(host, repository, "v1") == str(OLD.manifest.digest)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        (None, "sends no Location for an upload"),
        ("http://[", "sends a malformed Location"),
        ("http://127.0.0.1:99999999/", "sends a malformed Location"),
        ("ftp://127.0.0.1/x", "sends a Location of another scheme than HTTP's"),
        ("file:///etc/passwd", "sends a Location of another scheme than HTTP's"),
        ("//\x7f", "its address is malformed"),
    ],
)
def test_an_odd_location_is_refused(location: str | None, words: str, proxy: Proxy) -> None:
    proxy.rules = [Rule("POST", status=202, headers={"Location": location} if location else {})]
    with pytest.raises(TransportError, match=words):
        push(proxy.host, f"odd{next(numbers)}:v1")


def test_connections_are_kept(proxy: Proxy) -> None:
    push(proxy.host, f"kept{next(numbers)}:v1")
    assert len(proxy.records) == 17
    assert proxy.connections <= 4


def test_the_registrys_own_message_is_shown(proxy: Proxy) -> None:
    errors = b'{"errors":[{"code":"DENIED","message":"quota\\u001b[31m exceeded\\nfor team"}]}'
    proxy.rules = [Rule("POST", status=413, body=errors)]
    with pytest.raises(TransportError) as caught:
        push(proxy.host, "full:v1")
    assert str(caught.value) == (
        f"{proxy.host}/full: the registry answers 413 to POST blobs/uploads/ (DENIED: quota [31m exceeded for team)"
    )


@pytest.mark.parametrize("body", [b"", b"[]", b'{"errors":{}}', b'{"errors":[1]}', b"[" * 60000, b"\xff", b"<html>"])
def test_an_odd_refusal_is_a_refusal(body: bytes, proxy: Proxy) -> None:
    proxy.rules = [Rule("POST", status=413, body=body)]
    with pytest.raises(TransportError, match=r"answers 413 to POST blobs/uploads/$"):
        push(proxy.host, "full:v1")


def test_a_repository_that_has_to_be_created_first(proxy: Proxy) -> None:
    proxy.rules = [Rule("POST", status=404, body=b'{"errors":[{"code":"NAME_UNKNOWN"}]}')]
    with pytest.raises(TransportError, match="NAME_UNKNOWN") as caught:
        push(proxy.host, "absent:v1")
    assert "created first" in str(caught.value.hint)


def test_every_blob_of_an_image_exists_before_its_manifest(proxy: Proxy, host: str) -> None:
    several = image(*(tar(file(f"f{number}", bytes([number]) * 5000)) for number in range(12)))
    push(proxy.host, f"several{next(numbers)}:v1", several)
    first_manifest = next(number for number, (_, path) in enumerate(proxy.requests) if "manifests" in path)
    committed = {
        record.path.rpartition("digest=")[2] for record in proxy.records[:first_manifest] if record.status == 201
    }
    wanted = {str(blob.digest).replace(":", "%3A") for blob in (*several.manifest.layers, several.manifest.config)}
    assert committed == wanted
    assert Digest.of(several.manifest.raw) == several.manifest.digest
