"""What the tests of the engines share: a registry, the engines, and bases like SGLang's image.

The fixtures are not in a `conftest.py`: mypy allows each module name only once, and there is one already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from helpers.engines.daemons import DockerEngine, docker_daemon
from helpers.engines.debian import debian_root, push_base, push_tampered
from helpers.engines.podmans import PodmanEngine, podman_engine
from helpers.engines.remote import remote_buildkit
from helpers.engines.small_root import small_root
from helpers.registry.registries import docker_registry
from m2build.patches.tree import SourceTree


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`127.0.0.1:PORT` of a registry that every engine here uses by HTTP."""
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """A Docker daemon with containerd's store."""
    with docker_daemon(tmp_path_factory.mktemp("docker") / "engine") as engine:
        yield engine


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory, registry: str) -> Iterator[PodmanEngine]:
    """podman with a store of its own."""
    with podman_engine(tmp_path_factory.mktemp("podman") / "engine", [registry]) as engine:
        yield engine


@pytest.fixture(scope="session")
def both(docker: DockerEngine, podman: PodmanEngine) -> Mapping[str, str]:
    """The environment of a process that uses `docker` and `podman`."""
    return {**docker.environment, **podman.environment}


@pytest.fixture(scope="session")
def remote_builder(docker: DockerEngine) -> Iterator[str]:
    """The name of a builder of `docker`'s buildx that buildx treats as remote."""
    with remote_buildkit(docker) as name:
        yield name


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root file system that the bases begin with."""
    return small_root(tmp_path_factory.mktemp("system") / "root.tar.gz")


@pytest.fixture(scope="session")
def base(registry: str, system: Path, sglang_tree: SourceTree, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a base in Docker's media types."""
    return push_base(f"{registry}/base/sglang:v1", system, sglang_tree, tmp_path_factory.mktemp("base"), oci=False)


@pytest.fixture(scope="session")
def oci_base(registry: str, system: Path, sglang_tree: SourceTree, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of the same base in OCI's media types."""
    return push_base(f"{registry}/oci/sglang:v1", system, sglang_tree, tmp_path_factory.mktemp("oci-base"), oci=True)


@pytest.fixture(scope="session")
def debian_base(
    registry: str, sglang_tree: SourceTree, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> str:
    """The name of a base that begins with the whole of Debian, in OCI's media types."""
    root = debian_root(request.config.cache.mkdir("debian"))
    return push_base(f"{registry}/debian/sglang:v1", root, sglang_tree, tmp_path_factory.mktemp("debian"), oci=True)


@pytest.fixture(scope="session")
def tampered_base(base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of the base with one byte of one source file altered."""
    return push_tampered(base, tmp_path_factory.mktemp("tampered"))
