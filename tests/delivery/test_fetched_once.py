"""In one command each blob of a base in a registry is fetched once, for every destination."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.commands import m2build, succeeds
from helpers.registry.faultproxy import Proxy, Rule, fault_proxy
from helpers.registry.registries import crane_registry, run

BASE = base_image()
LAYERS = [str(layer.digest) for layer in BASE.manifest.layers]


@pytest.fixture
def cold(tmp_path: Path) -> Mapping[str, str]:
    """A user with an empty cache and an own folder for temporary files."""
    (tmp_path / "tmp").mkdir()
    return {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(tmp_path / "tmp")}


def fetched(proxy: Proxy) -> Counter[str]:
    """How often each blob and manifest was requested."""
    return Counter(record.path.rpartition("/")[2] for record in proxy.seen("GET", "/(blobs|manifests)/"))


ONCE = dict.fromkeys((*LAYERS, str(BASE.manifest.config.digest), "rocm"), 1)


@pytest.mark.parametrize(
    "words",
    [
        "-o oci:{folder}/out --tp 8",
        "-o oci:{folder}/out --tp 8 --tp 4",
        "-o oci-archive:{folder}/out.tar --tp 8",
        "-o docker-archive:{folder}/out.tar --tp 8",
        "-o docker://{registry}/one --tp 8",
        "-o docker://{registry}/two --tp 8 --tp 4",
    ],
)
def test_cold(words: str, proxy: Proxy, cold: Mapping[str, str], tmp_path: Path) -> None:
    base = f"{proxy.host}/team/sglang:rocm"
    (tmp_path / "registry").mkdir()
    with crane_registry(tmp_path / "registry") as registry:
        options = words.format(folder=tmp_path / "new", registry=registry).split()
        printed = succeeds("image", "--base", base, *options, environment=cold).splitlines()
        if "docker://" in words:
            assert b"PASS" in run("crane", "validate", "--remote", printed[0])
    assert fetched(proxy) == ONCE
    assert list((tmp_path / "tmp").iterdir()) == []
    assert [path.name for path in tmp_path.rglob(".*")] == [], "nothing that was kept in between is left"
    if "oci" in words:
        described = json.loads(run("skopeo", "inspect", printed[0].partition("@")[0]))
        assert described["Digest"] == printed[0].partition("@")[2]
        assert described["Layers"][:-1] == LAYERS


def test_into_a_layout_that_has_a_part_of_it(proxy: Proxy, cold: Mapping[str, str], tmp_path: Path) -> None:
    """A layer that the destination has is read for its members only; the others are moved into place."""
    base, out = f"{proxy.host}/team/sglang:rocm", tmp_path / "out"
    succeeds("image", "--tp", "8", "--base", "pypi:sglang==0.5.7", "-o", f"oci:{out}:stand-in", environment=cold)
    first = BASE.manifest.layers[0]
    with BASE.blobs.open(first) as stream:
        (out / "blobs/sha256" / first.digest.hex).write_bytes(stream.read())
    succeeds("image", "--tp", "8", "--base", base, "-o", f"oci:{out}", environment=cold)
    assert fetched(proxy) == ONCE
    assert sorted(path.name for path in out.iterdir()) == ["blobs", "index.json", "oci-layout"]
    run("umoci", "unpack", "--image", f"{out}:tp8", str(tmp_path / "bundle"))
    modes = {path.stat().st_mode & 0o777 for path in (out / "blobs/sha256").iterdir()}
    assert len(modes) == 1, "what was moved is as readable as what was written"


def test_what_is_known_already_is_fetched_for_the_copy_only(
    proxy: Proxy, cold: Mapping[str, str], tmp_path: Path
) -> None:
    base = f"{proxy.host}/team/sglang:rocm"
    succeeds("image", "--tp", "8", "--base", base, "--engine", "embedded", "--dry-run", environment=cold)
    assert fetched(proxy) == ONCE
    proxy.records.clear()
    succeeds("image", "--tp", "8", "--base", base, "-o", f"oci:{tmp_path}/out", environment=cold)
    assert fetched(proxy) == ONCE


@pytest.mark.parametrize("mounts", [True, False])
def test_within_one_registry(mounts: bool, stocked: str, cold: Mapping[str, str], tmp_path: Path) -> None:  # noqa: FBT001
    """Layers that are mounted are not kept; one that cannot be is, and is sent."""
    rules = [] if mounts else [Rule("POST", "mount=", status=405)]
    with fault_proxy(stocked, *rules) as proxy:
        target = f"{proxy.host}/mounts/{mounts}".lower()
        arguments = ("--base", f"{proxy.host}/team/sglang:rocm", "-t", target, "--push", "--json")
        output = json.loads(succeeds("image", "--tp", "8", *arguments, environment=cold))
        assert fetched(proxy) == ONCE
        expected = {"mounted": len(LAYERS), "uploaded": 2} if mounts else {"mounted": 0, "uploaded": 2 + len(LAYERS)}
        assert {key: output["m2build.transfer"][key] for key in expected} == expected
    assert b"PASS" in run("crane", "validate", "--remote", f"{target.replace(proxy.host, stocked)}:tp8")


def test_a_thin_image_is_completed_with_each_layer_once(proxy: Proxy, tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = ("image", "--tp", "8", "--base", f"{proxy.host}/team/sglang:rocm")
    assert m2build(*command, cwd=tmp_path, environment=environment).returncode == 0
    assert fetched(proxy) == ONCE
    proxy.records.clear()
    (tmp_path / "registry").mkdir()
    with crane_registry(tmp_path / "registry") as other:
        succeeds("push", "./minimax-m2.1.oci", f"{other}/completed:tp8", cwd=tmp_path)
    once = dict.fromkeys((*LAYERS, str(BASE.manifest.config.digest), str(BASE.manifest.digest)), 1)
    assert fetched(proxy) == once
