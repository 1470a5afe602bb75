"""The engines that other tests rely on are real, recent, independent of each other, and gone afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.engines.daemons import DockerEngine, docker_daemon
from helpers.engines.debian import LABELS, REPOSITORY, TOUCHED
from helpers.engines.engine import Engine
from helpers.engines.leftovers import mounts, processes
from helpers.engines.podmans import PodmanEngine
from helpers.images import tar
from helpers.registry.registries import run
from helpers.rendering.roots import tools

from m2build.patches.tree import SourceTree

pytestmark = pytest.mark.engine

CONTAINERD = "io.containerd.snapshotter.v1"


def use(engine: Engine, image: str) -> list[str]:
    """What Python, git and the layers above the sources answer in a container."""
    script = "python3 -c 'import dataclasses; print(dataclasses.__name__)'; git describe --tags; cat /etc/marker"
    return engine.run("run", "--rm", image, "-ec", script).stdout.splitlines()


def context(folder: Path, *lines: str) -> Path:
    """A build context that is nothing but a Dockerfile."""
    folder.mkdir()
    (folder / "Dockerfile").write_text("".join(f"{line}\n" for line in lines))
    return folder


def layers(image: str) -> list[str]:
    manifest = json.loads(run("crane", "manifest", image))
    return [layer["digest"] for layer in manifest["layers"]]


def test_docker_is_recent_and_has_containerds_store_and_buildx(docker: DockerEngine) -> None:
    version = docker.run("version", "--format={{.Server.Version}}").stdout
    assert int(version.partition(".")[0]) >= 26
    assert CONTAINERD in docker.run("info", "--format={{json .DriverStatus}}").stdout
    assert docker.run("buildx", "version").stdout.startswith("github.com/docker/buildx")


def test_the_base_runs_in_docker(docker: DockerEngine, base: str) -> None:
    assert use(docker, base) == ["dataclasses", "v0.5.7", "a later layer"]


def test_the_base_runs_in_podman(podman: PodmanEngine, base: str) -> None:
    assert use(podman, base) == ["dataclasses", "v0.5.7", "a later layer"]
    assert podman.run("info", "--format={{.Store.GraphDriverName}}").stdout.strip() in {"overlay", "vfs"}


def test_the_bases_differ_in_their_media_types_only(base: str, oci_base: str) -> None:
    kinds = [json.loads(run("crane", "manifest", image))["mediaType"] for image in (base, oci_base)]
    assert kinds == [
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
    ]
    config, other = (json.loads(run("crane", "config", image)) for image in (base, oci_base))
    assert config == other
    assert (config["config"]["Labels"], config["config"]["WorkingDir"]) == (LABELS, f"/{REPOSITORY}")
    assert (config["os"], config["architecture"], len(config["rootfs"]["diff_ids"])) == ("linux", "amd64", 4)


def test_one_byte_of_the_tampered_base_is_another_one(
    docker: DockerEngine, base: str, tampered_base: str, sglang_tree: SourceTree
) -> None:
    assert layers(tampered_base)[:-1] == layers(base)
    read = docker.run("run", "--rm", "--entrypoint=cat", tampered_base, f"/{TOUCHED}").stdout.encode()
    good = sglang_tree["sglang/srt/models/kimi_linear.py"].content
    assert len(read) == len(good)
    assert sum(ours != theirs for ours, theirs in zip(read, good, strict=True)) == 1


def test_the_remote_builder_builds(
    docker: DockerEngine, remote_builder: str, base: str, registry: str, tmp_path: Path
) -> None:
    """A remote build stays in that builder's cache, unless it gets a destination."""
    folder = context(tmp_path / "context", f"FROM {base}")
    build = ["buildx", "build", "--builder", remote_builder, "--provenance=false", str(folder)]
    docker.run(*build, "--tag=built/remotely")
    assert docker.run("images", "--quiet", "built/remotely").stdout == ""
    name = f"{registry}/built/remotely:v1"
    docker.run(*build, "--push", f"--tag={name}")
    assert layers(name) == layers(base)


def test_two_daemons_are_independent(docker: DockerEngine, tmp_path: Path) -> None:
    """The second one has the older store."""
    image = tmp_path / "image.tar"
    image.write_bytes(tar(*tools("cat")))
    with docker_daemon(tmp_path / "second", containerd_store=False) as second:
        run_folder = Path(second.socket).parent
        assert CONTAINERD not in second.run("info", "--format={{json .DriverStatus}}").stdout
        second.run("import", image, "only/second")
        assert "root:" in second.run("run", "--rm", "only/second", "cat", "/etc/passwd").stdout
        assert docker.run("images", "--quiet", "only/second").stdout == ""
        assert second.run("images", "--quiet", "only/second").stdout != ""
        assert len(processes(run_folder)) == 2  # dockerd and containerd
    for folder in (run_folder, tmp_path / "second"):
        assert (processes(folder), mounts(folder), folder.exists()) == ([], [], False)
    assert docker.run("version", "--format={{.Server.Version}}").stdout != ""
