"""Thin layouts, which only name the base's layers, and `m2build push`, which completes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.commands import m2build, refused, succeeds
from helpers.registry.faultproxy import fault_proxy
from helpers.registry.registries import crane_registry, docker_registry, run, tag_digest, upload

BASE = base_image()
LAYERS = [str(layer.digest) for layer in BASE.manifest.layers]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        upload(host, "team/sglang", BASE, "rocm")
        yield host


@pytest.fixture(scope="module")
def without_engines(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """A PATH with Python, but neither docker nor podman."""
    folder = tmp_path_factory.mktemp("path")
    (folder / "python3").symlink_to(shutil.which("python3") or "/usr/bin/python3")
    return {"PATH": str(folder)}


@pytest.fixture
def layout(host: str, without_engines: Mapping[str, str], tmp_path: Path) -> Path:
    """What `m2build image` writes for both profiles without an engine and without a destination."""
    command = ("image", "--tp", "4", "--tp", "8", "--base", f"{host}/team/sglang:rocm")
    ended = m2build(*command, cwd=tmp_path, environment=without_engines)
    assert ended.returncode == 0, ended.stderr
    printed = [line.partition("@")[0] for line in ended.stdout.splitlines()]
    assert printed == ["oci:minimax-m2.1.oci:tp4", "oci:minimax-m2.1.oci:tp8"]
    assert "wrote the thin layout minimax-m2.1.oci" in ended.stderr
    assert "m2build push oci:minimax-m2.1.oci:tp4 REGISTRY/NAME:tp4" in ended.stderr
    return tmp_path / "minimax-m2.1.oci"


def manifests(layout: Path) -> dict[str, str]:
    entries = json.loads((layout / "index.json").read_bytes())["manifests"]
    return {entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"] for entry in entries}


def test_a_thin_layout_has_the_new_blobs_and_names_the_rest(layout: Path) -> None:
    blobs = {f"sha256:{path.name}" for path in (layout / "blobs/sha256").iterdir()}
    assert blobs.isdisjoint(LAYERS)
    assert len(blobs) == 5, "one layer, two configs and two manifests"
    assert manifests(layout).keys() == {"tp4", "tp8"}
    manifest = json.loads((layout / "blobs" / manifests(layout)["tp8"].replace(":", "/")).read_bytes())
    assert [layer["digest"] for layer in manifest["layers"]][:-1] == LAYERS
    assert sum(path.stat().st_size for path in layout.rglob("*") if path.is_file()) < 64 << 10


def test_push_completes_it_within_the_registry(layout: Path, host: str) -> None:
    name = f"{host}/thin/minimax-m2"
    assert succeeds("push", f"{layout}:tp8", f"{name}:v1") == f"{name}@{manifests(layout)['tp8']}\n"
    assert tag_digest(host, "thin/minimax-m2", "v1") == manifests(layout)["tp8"]
    assert b"PASS" in run("crane", "validate", "--remote", f"{name}:v1")


def test_push_copies_the_layers_to_another_registry(layout: Path, tmp_path: Path) -> None:
    with crane_registry(tmp_path) as other:
        name = f"{other}/thin/minimax-m2"
        succeeds("push", f"oci:{layout}:tp4", name)
        assert b"PASS" in run("crane", "validate", "--remote", f"{name}:tp4")
        assert run("crane", "digest", f"{name}:tp4").decode().strip() == manifests(layout)["tp4"]


def test_the_thin_image_is_the_whole_one(layout: Path, host: str) -> None:
    """Both have the same digest."""
    name = f"{host}/whole/minimax-m2"
    printed = succeeds("image", "--tp", "8", "--base", f"{host}/team/sglang:rocm", "-t", f"{name}:tp8", "--push")
    assert printed.strip() == f"{name}@{manifests(layout)['tp8']}"


def test_a_thin_image_is_compared_with_its_base_in_any_place(layout: Path, host: str, tmp_path: Path) -> None:
    name = f"{host}/compared/minimax-m2:tp8"
    succeeds("push", f"{layout}:tp8", name)
    fresh = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    reports = [
        json.loads(succeeds("inspect", "--json", place, environment=fresh)) for place in (f"oci:{layout}:tp8", name)
    ]
    assert reports[0]["content"] == reports[1]["content"]
    assert reports[0]["content"]["changed"]


def test_a_copy_of_the_base_can_be_named(layout: Path, tmp_path: Path) -> None:
    """The registry that the labels name may be unreachable: a copy of the base serves as well."""
    with docker_registry(tmp_path) as other, fault_proxy(other) as proxy:
        upload(other, "copy/sglang", BASE, "rocm")
        name = f"{proxy.host}/thin/minimax-m2:tp8"
        succeeds("push", f"{layout}:tp8", name, "--base", f"{proxy.host}/copy/sglang:rocm")
        assert b"PASS" in run("crane", "validate", "--remote", f"{other}/thin/minimax-m2:tp8")
        mounted = {digest for digest in LAYERS if proxy.seen("POST", f"mount={digest.replace(':', '%3A')}&from=copy")}
        assert mounted == set(LAYERS)
        assert [record for record in proxy.seen("GET", "/blobs/") if record.path.rpartition("/")[2] in LAYERS] == []


def test_another_image_as_the_base_is_refused(layout: Path, host: str, tmp_path: Path) -> None:
    upload(host, "team/other", base_image(how="plain"), "v1")
    message = refused(5, "push", f"{layout}:tp8", f"{host}/thin/no:tp8", "--base", f"{host}/team/other:v1")
    assert f"{host}/team/other:v1 does not have the missing layer " in message
    assert "name the image's own base" in message
    assert tag_digest(host, "thin/no", "tp8") is None


def test_a_layout_of_several_images_needs_a_tag(layout: Path, host: str) -> None:
    assert "holds 2 images" in refused(2, "push", str(layout), f"{host}/thin/x:y")
    assert "names a digest" in refused(2, "push", f"{layout}:tp8", f"{host}/thin/x@sha256:{'0' * 64}")


def test_a_stand_in_is_written_whole(without_engines: Mapping[str, str], tmp_path: Path, host: str) -> None:
    """A thin one could not be completed: its base is in no registry."""
    command = ("image", "--tp", "8", "--base", "pypi:sglang==0.5.7")
    ended = m2build(*command, cwd=tmp_path, environment=without_engines)
    assert (ended.returncode, "wrote the layout minimax-m2.1.oci" in ended.stderr) == (0, True)
    name = f"{host}/stand-in/minimax-m2:tp8"
    succeeds("push", f"{tmp_path}/minimax-m2.1.oci", name)
    assert b"PASS" in run("crane", "validate", "--remote", name)


def test_the_same_again_is_the_same_and_another_is_refused(
    layout: Path, host: str, without_engines: Mapping[str, str]
) -> None:
    before = {path: path.read_bytes() for path in layout.rglob("*") if path.is_file()}
    command = ("image", "--tp", "8", "--base", f"{host}/team/sglang:rocm")
    assert m2build(*command, cwd=layout.parent, environment=without_engines).returncode == 0
    later = {**without_engines, "SOURCE_DATE_EPOCH": "1700000000"}
    ended = m2build(*command, cwd=layout.parent, environment=later)
    assert (ended.returncode, "already has a different image 'tp8'" in ended.stderr) == (2, True)
    blobs = {path: path.read_bytes() for path in layout.rglob("*") if path.is_file() and path.name != "index.json"}
    assert blobs.items() <= before.items()
    assert manifests(layout).keys() == {"tp4", "tp8"}


def test_a_layout_that_lacks_a_layer_cannot_be_pushed_without_a_base(tmp_path: Path, host: str) -> None:
    """A damaged image that m2build did not derive: it does not name a base with the missing layer."""
    succeeds("image", "--tp", "8", "--base", "pypi:sglang==0.5.7", "-o", f"oci:{tmp_path}/out")
    largest = max((tmp_path / "out/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    largest.unlink()
    message = refused(2, "push", f"{tmp_path}/out", f"{host}/thin/damaged:v1")
    assert "layers are missing, and the image's labels do not name its base" in message
    assert "--base PLACE" in message
