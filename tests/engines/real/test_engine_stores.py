"""Images that engines built from bases in their own stores are proven, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from helpers.bases import MODELS, ROOT, base_image
from helpers.cli.checkouts import quickly
from helpers.engines.daemons import DockerEngine, docker_daemon
from helpers.engines.deriving import config, derived
from helpers.engines.podmans import PodmanEngine
from helpers.registry.registries import upload

import m2build
from m2build.layers.members import wanted_for
from m2build.oci.media_types import DOCKER, OCI, MediaTypes
from m2build.places.engine_store import find_local_image
from m2build.places.place import Place

pytestmark = [pytest.mark.engine, pytest.mark.sweep]


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_an_image_from_an_engines_store_is_proven_by_the_bases_layers(  # noqa: PLR0917 - fixtures
    engine: str,
    both: Mapping[str, str],
    docker: DockerEngine,
    podman: PodmanEngine,
    base: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its labels name no manifest. The base is found in its registry, or in the store itself."""
    runs, store = {"docker": (docker, "docker-daemon"), "podman": (podman, "containers-storage")}[engine]
    runs.run("pull", base)
    name = f"{base.partition('/')[0]}/stored/{engine}:tp8"
    derived(both, "--tp", "8", "--base", f"{store}:{base}", f"--engine={engine}", "-t", name, "--push")
    assert "dev.m2build.base.manifest" not in config(name)["config"]["Labels"]
    for key, value in both.items():
        monkeypatch.setenv(key, value)
    with m2build.Session() as session:
        for place in (base, f"{store}:{base}"):
            assert session.verify(name, base=place).findings == (), place
            assert session.revert(name, base=place).reference.startswith(f"{place}@sha256:"), place
        assert session.revert(name).reference.startswith(f"{base}@sha256:")


@pytest.mark.parametrize("store", ["docker-daemon", "containers-storage"])
def test_files_out_of_a_store_have_the_images_owners(
    store: str,
    registry: str,
    older: DockerEngine,
    podman: PodmanEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """podman's `cp` gives them all to root; images of bases whose sources are another user's would be others."""
    base = f"{registry}/{store}/owned:v1"
    upload(registry, f"{store}/owned", base_image(), "v1")
    engine = {"docker-daemon": older, "containers-storage": podman}[store]
    for key, value in engine.environment.items():
        monkeypatch.setenv(key, value)
    engine.run("pull", base)
    files = find_local_image(Place.parse(f"{store}:{base}")).files(wanted_for([ROOT], ()))
    owners = {path: (member.uid, member.gid) for path, member in files.items()}
    assert owners[f"{MODELS}/minimax_m2.py"] == (1000, 1001)
    assert owners[f"{ROOT}/sglang/_version.py"] == (0, 0)
    assert owners["opt"] == (3, 4)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """A daemon with Docker's older store, which keeps no manifests."""
    with docker_daemon(tmp_path_factory.mktemp("older") / "engine", containerd_store=False) as engine:
        yield engine


def test_an_image_of_m2builds_own_is_proven_in_a_store_that_keeps_no_manifests(
    older: DockerEngine, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker save` writes a new manifest, which has no annotations."""
    upload(registry, "loaded/base", base_image(), "v1")
    for key, value in older.environment.items():
        monkeypatch.setenv(key, value)
    base, archive = f"{registry}/loaded/base:v1", tmp_path / "m2.tar"
    quickly("image", "--tp", "8", "--engine", "embedded", "--base", base, "-o", f"docker-archive:{archive}:loaded/m2:1")
    older.run("load", "--input", str(archive))
    assert m2build.verify("docker-daemon:loaded/m2:1", base=base).findings == ()


@pytest.mark.parametrize("types", [OCI, DOCKER], ids=["oci", "docker"])
@pytest.mark.parametrize("store", ["docker-daemon", "containers-storage"])
def test_an_image_of_a_registrys_base_is_proven_by_the_layers_in_a_store(  # noqa: PLR0917 - fixtures
    store: str,
    types: MediaTypes,
    registry: str,
    older: DockerEngine,
    podman: PodmanEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The labels name a manifest that the store does not keep, and verify says so."""
    honest = base_image(types=types)
    base = f"{registry}/{store}/base:{'oci' if types is OCI else 'docker'}"
    name = base.replace("/base:", "/derived:")
    upload(registry, f"{store}/base", honest, base.rpartition(":")[2])
    engine = {"docker-daemon": older, "containers-storage": podman}[store]
    for key, value in engine.environment.items():
        monkeypatch.setenv(key, value)
    engine.run("pull", base)
    quickly("image", "--tp", "8", "--base", base, "-t", name, "--push")
    with m2build.Session() as session:
        found = session.verify(name, base=f"{store}:{base}")
        assert (found.findings, found.base_digest) == ((), None)
        (sentence,) = found.unproven
        assert sentence.startswith(f"that the base's manifest is {honest.manifest.digest}")
        assert session.verify(name, base=base).unproven == ()
        assert session.revert(name, base=f"{store}:{base}").layers == len(honest.manifest.layers)
