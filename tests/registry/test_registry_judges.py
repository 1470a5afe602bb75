"""crane and skopeo read what we push, and we read what they push."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.images import SAMPLE, image
from helpers.registry.registries import access, crane_registry, docker_registry, reference, run
from helpers.support import sampled_rows

from m2build.oci.image import Image, open_blob
from m2build.oci.media_types import DOCKER, OCI, MediaTypes
from m2build.progress import Silent
from m2build.registry.pull import read_remote
from m2build.registry.push import push_image

NAMED = {"docker_registry": docker_registry, "crane_registry": crane_registry}


@pytest.fixture(scope="module", params=NAMED)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with NAMED[request.param](tmp_path_factory.mktemp("registry")) as host:
        yield host


def push(host: str, rest: str, sample: Image) -> None:
    push_image(sample, reference(host, rest), access(), Silent())


def layers_of(found: Image) -> list[bytes]:
    layers = []
    for layer in found.manifest.layers:
        with open_blob(found.blobs, layer) as reader:
            layers.append(reader.read())
    return layers


@pytest.mark.parametrize(
    ("how", "types"),
    sampled_rows([("gzip", OCI), ("gzip", DOCKER), ("plain", OCI), ("plain", DOCKER), ("zstd", OCI)], every=2),
)
def test_crane_and_skopeo_agree_with_what_was_pushed(how: str, types: MediaTypes, host: str, tmp_path: Path) -> None:
    sample = image(*SAMPLE, types=types, how=how, annotations={"k": "v"})
    name = f"{host}/team/{how}-{'oci' if types is OCI else 'docker'}:v1"
    push(host, name.partition("/")[2], sample)
    if how == "gzip":  # crane takes every layer for a compressed one
        run("crane", "validate", "--remote", name)
    assert run("crane", "digest", name).decode().strip() == str(sample.manifest.digest)
    assert run("crane", "manifest", name) == sample.manifest.raw
    assert run("crane", "config", name) == sample.config.raw
    seen = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{name}"))
    assert seen["Digest"] == str(sample.manifest.digest)
    assert seen["Layers"] == [str(layer.digest) for layer in sample.manifest.layers]
    assert (seen["Os"], seen["Architecture"], seen["Labels"]) == ("linux", "amd64", {"a": "b"})
    run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{name}", f"dir:{tmp_path}/copy")
    assert (tmp_path / "copy" / sample.manifest.config.digest.hex).read_bytes() == sample.config.raw


def with_crane(host: str, folder: Path, name: str, *flags: str) -> None:
    (folder / "one.tar").write_bytes(SAMPLE[0])
    (folder / "two.tar").write_bytes(SAMPLE[1])
    run("crane", "append", *flags, "-f", f"{folder}/one.tar", "-f", f"{folder}/two.tar", "-t", name)
    run("crane", "mutate", name, "--set-platform", "linux/amd64", "--label", "by=crane", "-t", name)


def with_crane_oci(host: str, folder: Path, name: str) -> None:
    with_crane(host, folder, name, "--oci-empty-base")


def with_skopeo(host: str, folder: Path, name: str) -> None:
    with_crane(host, folder, f"{host}/skopeo/source:v1")
    copy = ("skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", "--format", "oci")
    run(*copy, f"docker://{host}/skopeo/source:v1", f"docker://{name}")


@pytest.mark.parametrize("write", [with_crane, with_crane_oci, with_skopeo])
def test_images_pushed_by_other_tools_are_read(
    write: Callable[[str, Path, str], None], host: str, tmp_path: Path
) -> None:
    rest = f"theirs/{write.__name__}:v1"
    write(host, tmp_path, f"{host}/{rest}")
    found = read_remote(reference(host, rest), "linux/amd64", access())
    raw = run("crane", "manifest", f"{host}/{rest}")
    assert (found.image.manifest.raw, found.digest.hex) == (raw, hashlib.sha256(raw).hexdigest())
    assert found.image.manifest.types is (DOCKER if write is with_crane else OCI)
    assert found.image.config.labels == {"by": "crane"}
    assert [diff_id.hex for diff_id in found.image.config.diff_ids] == [
        hashlib.sha256(one).hexdigest() for one in SAMPLE
    ]
    assert len(layers_of(found.image)) == 2


def test_cranes_index_gives_its_platforms_image(host: str, tmp_path: Path) -> None:
    with_crane(host, tmp_path, f"{host}/theirs/part:amd64")
    run(
        "crane",
        "mutate",
        f"{host}/theirs/part:amd64",
        "--set-platform",
        "linux/arm64",
        "-t",
        f"{host}/theirs/part:arm64",
    )
    parts = [part for tag in ("arm64", "amd64") for part in ("-m", f"{host}/theirs/part:{tag}")]
    run("crane", "index", "append", *parts, "-t", f"{host}/theirs/part:all")
    for platform in ("linux/amd64", "linux/arm64"):
        found = read_remote(reference(host, "theirs/part:all"), platform, access())
        assert found.image.config.platform == platform
        assert str(found.digest) == run("crane", "digest", f"{host}/theirs/part:all").decode().strip()
        chosen = run("crane", "digest", "--platform", platform, f"{host}/theirs/part:all").decode().strip()
        assert str(found.image.manifest.digest) == chosen


def test_a_base_with_many_layers_round_trips(host: str) -> None:
    sample = base_image()
    push(host, "base:v1", sample)
    found = read_remote(reference(host, "base:v1"), "linux/amd64", access()).image
    push(host, "again/base:v1", found)
    run("crane", "validate", "--remote", f"{host}/again/base:v1")
    assert run("crane", "digest", f"{host}/again/base:v1") == run("crane", "digest", f"{host}/base:v1")
    assert layers_of(found) == layers_of(sample)
