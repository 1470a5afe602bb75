"""Pushes through seeded faults: the tag names the whole new image, or what it named before, and a sentence says why."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator

import pytest
from helpers.images import file, image, tar
from helpers.registry.registries import call, reference, upload_blob
from helpers.support import need_tool
from helpers.sweeps.registry_cases import Bench, bench, header, tried

from m2build.oci.image import Image, open_blob
from m2build.progress import Silent
from m2build.registry.access import Access
from m2build.registry.push import push_image

pytestmark = pytest.mark.sweep

CASES, CHUNK = 400, 20
OLD = image(tar(file("old")))
REQUESTS = (
    ("GET", "/v2/$"), ("HEAD", "blobs"), ("POST", "uploads"), ("POST", "mount="), ("PATCH", "uploads"),
    ("PUT", "uploads"), ("PUT", "uploads"), ("HEAD", "manifests"), ("GET", "manifests"), ("PUT", "manifests/sha256"),
    ("PUT", "manifests/v1"), ("PUT", "manifests/v1"), (".*", ""),
)  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("bench")) as registry:
        for blob in (*OLD.manifest.layers, OLD.manifest.config):
            with open_blob(OLD.everything, blob) as reader:
                upload_blob(registry.proxy.host, "app", blob.digest, reader.read(), header(registry))
        yield registry


def put(registry: Bench, sample: Image) -> None:
    headers = header(registry) | {"Content-Type": sample.manifest.types.manifest}
    url = f"http://{registry.proxy.upstream}/v2/app/manifests/v1"
    assert call("PUT", url, sample.manifest.raw, headers)[0] == 201


def names(registry: Bench) -> str | None:
    headers = header(registry) | {"Accept": OLD.manifest.types.manifest}
    url = f"http://{registry.proxy.upstream}/v2/app/manifests/v1"
    return call("HEAD", url, headers=headers)[1]["Docker-Content-Digest"]


def judged(registry: Bench) -> str:
    """What crane finds wrong with the image."""
    command = [need_tool("crane"), "validate", "--remote", f"{registry.proxy.host}/app:v1"]
    run = subprocess.run(command, env=registry.environment, capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else run.stderr


def new_image(seed: int) -> Image:
    """An image without any blob in the registry; every fortieth has a layer that is sent by PATCH."""
    draw = random.Random(seed)  # noqa: S311 - hides nothing
    sizes = [draw.randrange(10, 3000), draw.randrange(10, 90_000)]
    if seed % 40 == 0:
        sizes[1] = (8 << 20) + 1
    layers = (tar(file(f"{seed}-{number}", draw.randbytes(size))) for number, size in enumerate(sizes))
    return image(*layers)


@pytest.mark.parametrize("start", range(0, CASES, CHUNK))
def test_a_tag_is_whole_whatever_happens_to_a_push(start: int, registry: Bench) -> None:
    given_up = {str(new_image(seed).manifest.digest) for seed in range(max(0, start - 5), start)}
    for seed in range(start, start + CHUNK):
        # What a push that was given up had sent may reach the registry later, and then this case is tried again.
        while (now := check(seed, registry, given_up)) in given_up:
            given_up.discard(now)
        given_up.add(str(new_image(seed).manifest.digest))


def check(seed: int, registry: Bench, given_up: set[str]) -> str:
    """Push an image through faults, and check the tag; returns what it names in the end."""
    put(registry, OLD)
    sample, old = new_image(seed), str(OLD.manifest.digest)
    mount_from = "other" if seed % 3 == 0 else None

    def push(user: Access) -> None:
        push_image(sample, reference(registry.proxy.host, "app:v1"), user, Silent(), mount_from=mount_from)

    error = tried(seed, registry, REQUESTS, push)
    case, now = f"seed {seed}: {error}", str(names(registry))
    if now in given_up:
        return now
    moved = [record for record in registry.proxy.records if re.search("manifests/v1", record.path)]
    if error is None:
        assert now == str(sample.manifest.digest), case
    elif now != old:
        # The registry has done what it was asked, and its answer was lost or altered.
        assert now == str(sample.manifest.digest), case
        assert [record for record in moved if record.method == "PUT"], case
    if now == old:
        push(registry.user())
        assert names(registry) in {str(sample.manifest.digest), *given_up}, f"run again after {case}"
    assert judged(registry) == "", case
    return now
