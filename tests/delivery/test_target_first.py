"""What would be refused at the destination is refused before a byte of the base is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.commands import m2build, refused, succeeds
from helpers.registry.faultproxy import Proxy, Rule, fault_proxy
from helpers.registry.registries import docker_config, docker_registry, htpasswd, logged_in, tag_digest, upload
from helpers.servers import free_port

BASE = base_image()
IMAGE = ("image", "--tp", "8")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A registry that wants a password, and the folder with what it stores."""
    folder = tmp_path_factory.mktemp("closed")
    with docker_registry(folder, auth=htpasswd(folder)) as host:
        yield host, folder / "data"


def base_of(proxy: Proxy) -> tuple[str, str]:
    return "--base", f"{proxy.host}/team/sglang:rocm"


def asked_for(proxy: Proxy) -> list[tuple[str, str]]:
    return [request for request in proxy.requests if request[1] != "/v2/"]


@pytest.mark.parametrize("credentials", ["none", "wrong"])
def test_credentials(credentials: str, proxy: Proxy, closed: tuple[str, Path], tmp_path: Path) -> None:
    host, _ = closed
    wrong = logged_in(tmp_path / "c", host, password="guess-4711")  # noqa: S106
    environment = docker_config(tmp_path / "c", {}) if credentials == "none" else wrong
    output = refused(8, *IMAGE, *base_of(proxy), "-t", f"{host}/a/b:c", "--push", environment=environment)
    assert f"{host}/a/b cannot be written" in output
    assert "docker login" in output
    assert asked_for(proxy) == []


def test_credentials_of_a_push(closed: tuple[str, Path], proxy: Proxy, tmp_path: Path) -> None:
    """The image itself is remote, and so is the base of a thin one."""
    host, _ = closed
    environment = docker_config(tmp_path / "c", {})
    name = f"docker://{proxy.host}/team/sglang:rocm"
    assert f"{host}/a/b cannot be written" in refused(8, "push", name, f"{host}/a/b:c", environment=environment)
    assert asked_for(proxy) == []


def test_a_registry_that_cannot_be_reached(proxy: Proxy) -> None:
    output = refused(8, *IMAGE, *base_of(proxy), "-t", f"127.0.0.1:{free_port()}/a:b", "--push")
    assert "cannot be reached" in output
    assert asked_for(proxy) == []


def test_checking_the_target_leaves_nothing_behind(closed: tuple[str, Path], proxy: Proxy, tmp_path: Path) -> None:
    """Not even a started upload, which registries keep for a week; this one keeps its empty folders."""
    host, data = closed
    environment = logged_in(tmp_path / "c", host)
    proxy.rules.append(Rule("GET", "/manifests/", status=404))
    refused(8, *IMAGE, *base_of(proxy), "-t", f"{host}/looked/at:c", "--push", environment=environment)
    assert list(data.rglob("looked/at/_uploads/*")) != []
    assert list(data.rglob("looked/at/_uploads/*/startedat")) == []
    assert tag_digest(host, "looked/at", "c") is None


def test_a_registry_that_cannot_cancel_uploads_is_still_written_to(stocked: str, proxy: Proxy) -> None:
    with fault_proxy(stocked, Rule("DELETE", status=405)) as target:
        succeeds(*IMAGE, *base_of(proxy), "-t", f"{target.host}/stubborn/x:y", "--push")
        assert len(target.seen("DELETE")) == 1


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("oci-archive:text.tar", "text.tar exists already"),
        ("docker-archive:text.tar", "text.tar exists already"),
        ("oci-archive:folder", "folder exists already"),
        ("oci-archive:other.tar", "other.tar exists already"),
        ("oci:folder", "folder exists already, and is not an OCI layout"),
        ("oci:text.tar", "text.tar exists already, and is not an OCI layout"),
        ("oci:other:tp4", "other already has a different image 'tp4': sha256:"),
        ("oci:other:plain", "other already has a different image 'plain': sha256:"),
    ],
)
def test_what_is_in_the_way(place: str, message: str, proxy: Proxy, workshop: Path) -> None:
    before = {path: path.read_bytes() for path in workshop.rglob("*") if path.is_file()}
    assert message in refused(2, *IMAGE, *base_of(proxy), "-o", place, cwd=workshop)
    assert asked_for(proxy) == []
    assert {path: path.read_bytes() for path in workshop.rglob("*") if path.is_file()} == before


@pytest.fixture(scope="module")
def workshop(stocked: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with things that may block an output."""
    folder = tmp_path_factory.mktemp("workshop")
    (folder / "text.tar").write_text("precious")
    (folder / "folder").mkdir()
    (folder / "folder/precious").touch()
    base = f"{stocked}/team/sglang:rocm"
    succeeds("image", "--tp", "4", "--base", base, "-o", "oci:other", cwd=folder)
    succeeds("image", "--tp", "4", "--base", base, "-o", "oci-archive:other.tar", cwd=folder)
    index = json.loads((folder / "other/index.json").read_bytes())
    descriptor = BASE.manifest.descriptor.to_json() | {"annotations": {"org.opencontainers.image.ref.name": "plain"}}
    index["manifests"].append(descriptor)
    (folder / "other/index.json").write_text(json.dumps(index))
    for digest, raw in ((BASE.manifest.digest, BASE.manifest.raw), (BASE.manifest.config.digest, BASE.config.raw)):
        (folder / "other/blobs/sha256" / digest.hex).write_bytes(raw)
    return folder


@pytest.mark.parametrize("place", ["oci:text.tar/x", "oci-archive:text.tar/x.tar", "docker-archive:text.tar/x/y.tar"])
def test_a_place_that_cannot_be_written(place: str, proxy: Proxy, workshop: Path) -> None:
    assert "cannot be written: Not a directory" in refused(16, *IMAGE, *base_of(proxy), "-o", place, cwd=workshop)
    assert asked_for(proxy) == []


def test_an_image_of_another_base_is_refused_before_the_layers_are_read(stocked: str, tmp_path: Path) -> None:
    """Without reading the layers: the manifest of the base differs."""
    upload(stocked, "team/newer", base_image(how="zstd"), "rocm")
    succeeds(*IMAGE, "--base", f"{stocked}/team/sglang:rocm", "-o", f"oci:{tmp_path}/out")
    with fault_proxy(stocked) as proxy:
        command = (*IMAGE, "--base", f"{proxy.host}/team/newer:rocm", "-o", f"oci:{tmp_path}/out")
        environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        assert "already has a different image 'tp8'" in refused(2, *command, environment=environment)
        assert len(proxy.seen("GET", "/blobs/")) == 1, "the config"
        assert m2build(*command, "--replace", environment=environment).returncode == 0
