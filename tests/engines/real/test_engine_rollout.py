"""A node that holds the base pulls the overlay and nothing else of the derived image: requests and bytes, counted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.cli.checkouts import quickly
from helpers.engines.daemons import DockerEngine, containerd_daemon, docker_daemon
from helpers.engines.leftovers import short_folder
from helpers.registry.faultproxy import Proxy, fault_proxy
from helpers.registry.registries import run
from helpers.rollout import PAGE, REAL, Sizes
from helpers.support import need_root, need_tool

from m2build.oci.manifest import Manifest, parse_manifest

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def image(registry: str, base: str) -> Manifest:
    """The manifest of rollout:tp8, derived in the registry of its base, base/sglang:v1."""
    quickly("image", "--tp", "8", "--base", base, "-t", f"{registry}/rollout:tp8", "--push")
    manifest = parse_manifest(run("crane", "manifest", f"{registry}/rollout:tp8"))
    assert isinstance(manifest, Manifest)
    return manifest


@pytest.fixture
def proxy(registry: str) -> Iterator[Proxy]:
    with fault_proxy(registry) as found:
        yield found


def held_to_the_model(proxy: Proxy, image: Manifest) -> None:
    """Check what a node that holds the base has pulled, then forget it."""
    fetched = {record.path.rpartition("/")[2] for record in proxy.seen("GET", "/blobs/") if record.answered}
    assert fetched == {str(image.config.digest), str(image.layers[-1].digest)}
    manifests = {record.path.rpartition("/")[2] for record in proxy.seen("GET", "/manifests/")}
    assert manifests <= {"tp8", str(image.digest)}
    answered = [one.answered for one in proxy.seen("GET", "/(blobs|manifests)/") if one.status == 200 and one.answered]
    assert sum(answered) == Sizes.of(image).node(holds_base=True)
    assert len(answered) == 3, "manifest, config and overlay"
    assert image.layers[-1].size == REAL.overlay
    requests = [record for record in proxy.records if record.path != "/v2/"]
    assert len(requests) <= 4
    assert f": 4 requests and {sum(answered) / 1000:.0f} KB, " in PAGE
    proxy.records.clear()


def held_the_base(proxy: Proxy, image: Manifest) -> None:
    """Check that the base itself went through the proxy, then forget it."""
    fetched = {record.path.rpartition("/")[2] for record in proxy.seen("GET", "/blobs/")}
    assert {str(layer.digest) for layer in image.layers[:-1]} <= fetched
    proxy.records.clear()


@pytest.mark.parametrize("store", ["containerd", pytest.param("older", marks=pytest.mark.sweep)])
def test_dockerd_pulls_the_overlay_only(store: str, proxy: Proxy, image: Manifest, tmp_path: Path) -> None:
    with docker_daemon(tmp_path / "docker", containerd_store=store == "containerd") as docker:
        pull(docker, f"{proxy.host}/base/sglang:v1")
        held_the_base(proxy, image)
        pull(docker, f"{proxy.host}/rollout:tp8")
        held_to_the_model(proxy, image)


def pull(docker: DockerEngine, name: str) -> None:
    docker.run("pull", "--quiet", name)


def test_containerd_pulls_the_overlay_only(proxy: Proxy, image: Manifest, tmp_path: Path) -> None:
    need_root("starts a container engine")
    with short_folder() as folder, containerd_daemon(tmp_path, folder) as address:
        ctr(address, "version")
        ctr(address, "images", "pull", "--plain-http", f"{proxy.host}/base/sglang:v1")
        held_the_base(proxy, image)
        ctr(address, "images", "pull", "--plain-http", f"{proxy.host}/rollout:tp8")
        held_to_the_model(proxy, image)


def ctr(address: str, *arguments: str) -> None:
    command = [need_tool("ctr"), "--address", address, "--timeout", "20s", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
