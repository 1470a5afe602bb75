"""Images that engines built from bases in their own stores are proven, too."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from helpers.engines.daemons import DockerEngine
from helpers.engines.deriving import config, derived
from helpers.engines.podmans import PodmanEngine

import m2build

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
        assert session.revert(name).reference.startswith(f"{base}@sha256:")
