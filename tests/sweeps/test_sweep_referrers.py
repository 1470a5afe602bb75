"""Evidence attached through seeded faults: the tag stays, other tools' entries stay, and a rerun lists everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.images import file, image, tar
from helpers.registry.registries import call, reference
from helpers.sweeps.registry_cases import Bench, bench, header, tried

from m2build.oci.artifact import Artifact, fallback_tag
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.oci.media_types import OCI
from m2build.progress import Silent
from m2build.registry.access import Access
from m2build.registry.push import push_image
from m2build.registry.referrers import attach_remote

pytestmark = pytest.mark.sweep

CASES, CHUNK = 60, 20
REQUESTS = (
    ("GET", "/v2/$"), ("HEAD", "blobs"), ("POST", "uploads"), ("PUT", "uploads"), ("HEAD", "manifests/sha256:"),
    ("PUT", "manifests/sha256:"), ("PUT", "manifests/sha256:"), ("GET", "referrers"), ("GET", "manifests/sha256-"),
    ("GET", "manifests/sha256-"), ("PUT", "manifests/sha256-"), ("PUT", "manifests/sha256-"), (".*", ""),
)  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("bench")) as registry:
        yield registry


def names(registry: Bench) -> str | None:
    headers = header(registry) | {"Accept": OCI.manifest}
    url = f"http://{registry.proxy.upstream}/v2/app/manifests/v1"
    return call("HEAD", url, headers=headers)[1]["Docker-Content-Digest"]


def listed(registry: Bench, subject: Digest) -> list[dict[str, Any]]:
    headers = header(registry) | {"Accept": OCI.index}
    url = f"http://{registry.proxy.upstream}/v2/app/manifests/{fallback_tag(subject)}"
    status, _, content = call("GET", url, headers=headers)
    entries: list[dict[str, Any]] = json.loads(content)["manifests"] if status == 200 else []
    return entries


def stocked(registry: Bench, seed: int) -> Image:
    """A new image under the tag."""
    sample = image(tar(file(str(seed))))
    push_image(sample, reference(registry.proxy.host, "app:v1"), registry.user(), Silent())
    return sample


@pytest.mark.parametrize("start", range(0, CASES, CHUNK))
def test_what_is_attached_is_listed_or_a_rerun_lists_it(start: int, registry: Bench) -> None:
    for seed in range(start, start + CHUNK):
        check(seed, registry)


def check(seed: int, registry: Bench) -> None:
    sample = stocked(registry, seed)
    subject = sample.manifest.descriptor
    theirs = [Artifact.of("text/x-other", b"theirs", subject, annotations={"by": "another tool"})][: seed % 2]
    ours = [Artifact.of("text/x-note", f"{seed} {number}".encode(), subject) for number in range(3)]
    attach(registry.user(), registry, theirs, subject.digest)

    error = tried(seed, registry, REQUESTS, lambda user: attach(user, registry, ours, subject.digest))
    case = f"seed {seed}: {error}"
    assert names(registry) == str(subject.digest), case
    before = listed(registry, subject.digest)
    assert [entry for artifact in theirs if (entry := artifact.entry) not in before] == [], case
    if error is None:
        assert [entry for artifact in ours if (entry := artifact.entry) not in before] == [], case

    attach(registry.user(), registry, ours, subject.digest)
    expected = sorted(str(artifact.manifest.digest) for artifact in (*theirs, *ours))
    assert sorted(entry["digest"] for entry in listed(registry, subject.digest)) == expected, case


def attach(user: Access, registry: Bench, artifacts: list[Artifact], subject: Digest) -> None:
    if artifacts:
        attach_remote(user.push(reference(registry.proxy.host, "app:v1")), artifacts, subject, Silent())
