"""`m2build image` with container engines: which one it takes, what it prints, and bases in the engines' own stores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from helpers.bases import base_image
from helpers.commands import m2build, succeeds
from helpers.engines.daemons import DockerEngine, docker_daemon
from helpers.engines.deriving import content_digest, derived
from helpers.engines.engine import Engine
from helpers.engines.podmans import PodmanEngine, podman_engine
from helpers.registry.faultproxy import Proxy, fault_proxy
from helpers.registry.registries import run, upload

from m2build.delivery import metadata_schema

pytestmark = pytest.mark.engine

LOCAL = "127.0.0.1:1/only-here:v1"
"""A name that no registry knows: nothing listens there, and so nothing is waited for, as a host's address would be."""
NOWHERE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
"""A Docker that is installed and does not run."""


@pytest.fixture(scope="module")
def embedded(base: str, both: Mapping[str, str]) -> str:
    """The embedded engine's content, by digest."""
    name = f"{base.rpartition('/')[0]}/commands:tp8"
    derived(both, "--tp", "8", "--base", base, "-t", name, "--push")
    return content_digest(both, name)


def image_of(engine: Engine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(engine.run("image", "inspect", name).stdout)[0]
    return found


def test_docker_builds_if_it_runs_and_its_own_account_is_written(
    docker: DockerEngine, both: Mapping[str, str], base: str, tmp_path: Path
) -> None:
    """What is printed is what `docker run` takes."""
    files = ["--metadata-file", f"{tmp_path}/meta.json", "--iidfile", f"{tmp_path}/iid"]
    (printed,) = derived(both, "--tp", "8", "--base", base, *files)
    assert docker.run("run", "--rm", "--entrypoint=cat", printed, "/etc/marker").stdout == "a later layer\n"
    found, metadata = image_of(docker, "m2build/minimax-m2.1:tp8"), json.loads((tmp_path / "meta.json").read_text())
    assert printed == f"m2build/minimax-m2.1@{found['Id']}"
    assert metadata["containerimage.digest"] == found["Id"]
    assert metadata["containerimage.config.digest"] == (tmp_path / "iid").read_text()
    assert metadata["buildx.build.ref"]
    assert metadata["m2build.engine"] == "docker"
    assert metadata["m2build.derivation.plan"] == found["Config"]["Labels"]["dev.m2build.plan.digest"]
    jsonschema.validate(metadata, json.loads(metadata_schema()))


def test_podman_builds_if_docker_does_not_run(
    podman: PodmanEngine, both: Mapping[str, str], base: str, tmp_path: Path
) -> None:
    files = ["--metadata-file", f"{tmp_path}/meta.json", "--iidfile", f"{tmp_path}/iid"]
    why = "m2build: the docker daemon does not answer"
    (printed,) = derived({**both, **NOWHERE}, "--tp", "8", "--base", base, *files, said=why)
    assert podman.run("run", "--rm", "--entrypoint=cat", printed, "/etc/marker").stdout == "a later layer\n"
    found, metadata = image_of(podman, "m2build/minimax-m2.1:tp8"), json.loads((tmp_path / "meta.json").read_text())
    assert printed == f"m2build/minimax-m2.1@{found['Digest']}"
    assert metadata["containerimage.config.digest"] == f"sha256:{found['Id']}" == (tmp_path / "iid").read_text()
    assert metadata["m2build.engine"] == "podman"
    jsonschema.validate(metadata, json.loads(metadata_schema()))


@pytest.mark.sweep
def test_both_profiles_in_one_run_share_every_layer(docker: DockerEngine, both: Mapping[str, str], base: str) -> None:
    printed = derived(both, "--tp", "4", "--tp", "8", "--base", base)
    images = [image_of(docker, f"m2build/minimax-m2.1:{profile}") for profile in ("tp4", "tp8")]
    assert printed == [f"m2build/minimax-m2.1@{image['Id']}" for image in images]
    assert images[0]["RootFS"] == images[1]["RootFS"]
    sizes = [image["Config"]["Entrypoint"][image["Config"]["Entrypoint"].index("--tp-size") + 1] for image in images]
    assert sizes == ["4", "8"]


def test_a_builder_elsewhere_builds_and_the_image_comes_back(
    docker: DockerEngine, both: Mapping[str, str], remote_builder: str, base: str, embedded: str
) -> None:
    builder = f"--builder={remote_builder}"
    (printed,) = derived(both, "--tp", "8", "--base", base, builder, "-t", "built/elsewhere:tp8", "--load")
    assert docker.run("run", "--rm", "--entrypoint=cat", printed, "/etc/marker").stdout == "a later layer\n"
    assert content_digest(both, "docker-daemon:built/elsewhere:tp8") == embedded


def test_output_of_the_engine_is_passed_on(both: Mapping[str, str], base: str) -> None:
    for engine, word in (("docker", "#1 [internal] load build definition from Dockerfile"), ("podman", "STEP 1/")):
        options = ("--engine", engine, "-t", "told/of:tp8", "--load", "--progress", "plain")
        shown = m2build("image", "--tp", "8", "--base", base, *options, environment=both)
        assert shown.returncode == 0
        assert shown.stdout.startswith("told/of@sha256:")
        assert shown.stdout.count("\n") == 1
        assert f"building with {engine} " in shown.stderr
        assert word in shown.stderr


@pytest.fixture(scope="module")
def local(docker: DockerEngine, podman: PodmanEngine, base: str) -> Mapping[str, tuple[Engine, str]]:
    """The base under a name that no registry knows, in each engine's store."""
    for engine in (docker, podman):
        engine.run("pull", "--quiet", base)
        engine.run("tag", base, LOCAL)
    return {"docker": (docker, f"docker-daemon:{LOCAL}"), "podman": (podman, f"containers-storage:{LOCAL}")}


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_local_image_is_read_without_running_it(
    engine: str, local: Mapping[str, tuple[Engine, str]], both: Mapping[str, str], base: str
) -> None:
    runs, place = local[engine]
    before = runs.run("ps", "--all", "--quiet").stdout
    status = succeeds("patch", "status", "--source", place, environment=both)
    assert status == succeeds("patch", "status", "--source", base, environment=both)
    assert runs.run("ps", "--all", "--quiet").stdout == before


@pytest.mark.parametrize("engine", ["docker", pytest.param("podman", marks=pytest.mark.sweep)])
def test_a_local_image_is_a_base_for_its_own_engine(
    engine: str, local: Mapping[str, tuple[Engine, str]], both: Mapping[str, str], base: str, embedded: str
) -> None:
    """The content is that of the registry's base, except for the labels that name the base and the plan."""
    _, place = local[engine]
    store = place.partition(":")[0]
    derived(both, "--tp", "8", "--base", place, "-t", "from/local:tp8")
    ours = json.loads(succeeds("inspect", "--json", f"{store}:from/local:tp8", environment=both))["content"]
    theirs = json.loads(
        succeeds("inspect", "--json", f"{base.rpartition('/')[0]}/commands:tp8", environment=both)
    )["content"]  # fmt: skip
    assert theirs["digest"] == embedded
    assert (ours["changed"], ours["removed"]) == (theirs["changed"], theirs["removed"])
    differing = {
        key for key, value in theirs["runtime"]["Labels"].items() if ours["runtime"]["Labels"].get(key) != value
    }
    assert differing <= {
        "dev.m2build.plan.digest", "dev.m2build.base.config", "dev.m2build.base.manifest",
        "org.opencontainers.image.base.name", "org.opencontainers.image.base.digest",
    }  # fmt: skip
    assert "org.opencontainers.image.base.name" in differing


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_the_embedded_engine_derives_from_a_local_image_with_all_of_its_layers(
    engine: str, local: Mapping[str, tuple[Engine, str]], both: Mapping[str, str], tmp_path: Path, base: str
) -> None:
    _, place = local[engine]
    derived(both, "--tp", "8", "--base", place, "-o", f"oci:{tmp_path}/out")
    config = json.loads(run("skopeo", "inspect", "--config", f"oci:{tmp_path}/out"))
    below = json.loads(run("crane", "config", base))["rootfs"]["diff_ids"]
    assert config["rootfs"]["diff_ids"][:-1] == below
    assert config["config"]["Entrypoint"][3:6] == ["python3", "-m", "sglang.launch_server"]


@pytest.fixture(scope="module")
def small(registry: str) -> str:
    """A base of a few MB in the registry."""
    upload(registry, "small/sglang", base_image(), "rocm")
    return f"{registry}/small/sglang:rocm"


@pytest.mark.sweep
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_local_image_is_known_by_its_id(
    engine: str, docker: DockerEngine, podman: PodmanEngine, small: str, both: Mapping[str, str]
) -> None:
    """In full and short; the output is the same as for its name."""
    runs, store = {"docker": (docker, "docker-daemon"), "podman": (podman, "containers-storage")}[engine]
    name, place = "local.example/small:v1", f"{store}:local.example/small:v1"
    runs.run("pull", "--quiet", small)
    runs.run("tag", small, name)
    identity = image_of(runs, name)["Id"].removeprefix("sha256:")
    status = succeeds("patch", "status", "--source", place, environment=both)
    for text in (f"sha256:{identity}", identity, identity[:12]):
        assert succeeds("patch", "status", "--source", f"{store}:{text}", environment=both) == status
    by_name, by_id = (
        m2build("inspect", "--json", f"{store}:{text}", environment=both).stdout for text in (name, identity[:12])
    )
    assert {**json.loads(by_id), "name": None} == {**json.loads(by_name), "name": None}


def test_a_dry_run_looks_at_the_base_where_the_build_would(docker: DockerEngine, small: str, tmp_path: Path) -> None:
    """In the engine's store; it prints no digests of an image that the engine would make differently."""
    docker.run("pull", "--quiet", small)
    environment = {**docker.environment, "XDG_CACHE_HOME": str(tmp_path)}
    with fault_proxy(small.partition("/")[0]) as proxy:
        name = f"{proxy.host}/{small.partition('/')[2]}"
        docker.run("tag", small, name)
        command = ("image", "--tp", "8", "--base", name, "-t", "foreseen/never:tp8", "--dry-run")
        said = json.loads(succeeds(*command, "--json", environment=environment))
        lines = succeeds(*command, environment=environment).splitlines()
        assert set(layers_fetched(proxy, small)) == {0}
    assert said["engine"] == "docker"
    assert said["destination"]["place"] == "docker-daemon:foreseen/never:tp8"
    assert (said["transfer"]["bytes"], said["transfer"]["isExact"]) == (0, False)
    assert said["manifest"] is None
    assert "engine      docker" in lines
    assert [line for line in lines if line.startswith(("manifest", "layer"))] == []
    assert docker.run("images", "--quiet", "foreseen/never").stdout == ""


def test_a_dry_run_lets_no_engine_fetch_the_base(base: str, tmp_path: Path) -> None:
    with podman_engine(tmp_path / "podman") as podman:
        environment = {**podman.environment, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        command = ("image", "--tp", "8", "--base", base, "--engine=podman", "--dry-run", "--json")
        said = json.loads(succeeds(*command, environment=environment))
        assert podman.run("images", "--quiet").stdout == ""
    layers = json.loads(run("crane", "manifest", base))["layers"]
    assert said["transfer"]["bytes"] == sum(layer["size"] for layer in layers)


@pytest.mark.parametrize("engine", ["docker", pytest.param("podman", marks=pytest.mark.sweep)])
def test_a_name_that_moves_in_a_store_is_reported(
    engine: str, both: Mapping[str, str], base: str, tmp_path: Path
) -> None:
    name = f"moving/{engine}:v1"
    command = ("image", "--base", base, "--engine", engine, "-t", name, "--load", "--progress", "quiet", "--tp")
    assert m2build(*command, "4", environment=both).stderr == ""
    assert m2build(*command, "4", environment=both).stderr == ""
    shown = m2build(*command, "8", environment=both)
    assert shown.returncode == 0
    assert f":{name} named sha256:" in shown.stderr
    assert " before, and names sha256:" in shown.stderr


def test_an_image_that_the_engine_lacks_is_refused_by_name(both: Mapping[str, str]) -> None:
    for place, command in (
        ("docker-daemon:no/such:v1", "docker images"),
        ("containers-storage:no/such:v1", "podman images"),
    ):
        shown = m2build("patch", "status", "--source", place, environment=both)
        assert shown.returncode == 9
        assert f"{place} cannot be read" in shown.stderr
        assert command in shown.stderr


def layers_fetched(proxy: Proxy, base: str) -> list[int]:
    """How often each layer of the base was requested."""
    digests = [layer["digest"] for layer in json.loads(run("crane", "manifest", base))["layers"]]
    return [len(proxy.seen("GET", f"/blobs/{digest}")) for digest in digests]


def test_a_base_that_the_engine_has_is_not_read_from_its_registry(
    docker: DockerEngine, base: str, embedded: str, tmp_path: Path
) -> None:
    """Nor by m2build, which has never seen it."""
    docker.run("pull", "--quiet", base)
    environment = {**docker.environment, "XDG_CACHE_HOME": str(tmp_path)}
    with fault_proxy(base.partition("/")[0]) as proxy:
        name = f"{proxy.host}/{base.partition('/')[2]}"
        docker.run("tag", base, name)
        derived(environment, "--tp", "8", "--base", name, "--engine=docker", "-t", "read/nearby:tp8")
        assert set(layers_fetched(proxy, base)) == {0}
    ours = image_of(docker, "read/nearby:tp8")["Config"]["Labels"]
    theirs = json.loads(run("crane", "config", f"{base.rpartition('/')[0]}/commands:tp8"))["config"]["Labels"]
    same = ("dev.m2build.base.manifest", "dev.m2build.base.config", "dev.m2build.base.chain-id")
    assert [ours[key] for key in same] == [theirs[key] for key in same]
    assert content_digest(docker.environment, f"{base.rpartition('/')[0]}/commands:tp8") == embedded


def test_a_base_that_no_store_has_is_fetched_once(base: str, tmp_path: Path) -> None:
    """By the engine, which must have it and lets m2build read it."""
    with fault_proxy(base.partition("/")[0]) as proxy, podman_engine(tmp_path / "podman") as podman:
        name = f"{proxy.host}/{base.partition('/')[2]}"
        environment = {**podman.environment, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        derived(environment, "--tp", "8", "--base", name, "--engine=podman", "-t", "read/once:tp8")
        assert set(layers_fetched(proxy, base)) == {1}


@pytest.mark.sweep
def test_podman_needs_no_option_for_a_registry_on_this_machine(base: str, embedded: str, tmp_path: Path) -> None:
    """As Docker and m2build itself need none."""
    name = f"{base.rpartition('/')[0]}/trusted:tp8"
    command = ("--tp", "8", "--base", base, "--engine=podman", "-t", name, "--push")
    with podman_engine(tmp_path / "podman") as podman:
        derived(podman.environment, *command)
        assert content_digest(podman.environment, name) == embedded


@pytest.mark.sweep
def test_an_older_store_of_dockers_gives_the_same_content(base: str, embedded: str, tmp_path: Path) -> None:
    """Without containerd's store an image has no digest before it is pushed: its id is printed."""
    with docker_daemon(tmp_path / "older", containerd_store=False) as docker:
        (printed,) = derived(docker.environment, "--tp", "8", "--base", base)
        found = image_of(docker, "m2build/minimax-m2.1:tp8")
        assert printed == found["Id"]
        assert docker.run("run", "--rm", "--entrypoint=cat", printed, "/etc/marker").stdout == "a later layer\n"
        assert content_digest(docker.environment, "docker-daemon:m2build/minimax-m2.1:tp8") == embedded
        docker.run("pull", "--quiet", base)
        docker.run("tag", base, LOCAL)
        place = f"docker-daemon:{LOCAL}"
        derived(docker.environment, "--tp", "8", "--base", place, "-t", "from/local:tp8")
