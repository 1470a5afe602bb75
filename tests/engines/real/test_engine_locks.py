"""Locks with container engines: the same content as without, and a lock that does not fit is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.commands import refused, succeeds
from helpers.engines.deriving import config, content_digest, derived
from helpers.registry.registries import run

pytestmark = [pytest.mark.engine, pytest.mark.sweep]


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_an_image_from_a_lock_is_the_one_that_is_made_without(
    engine: str, both: Mapping[str, str], base: str, tmp_path: Path
) -> None:
    repository = f"{base.partition('/')[0]}/locks/{engine}"
    lock, environment = tmp_path / "m2build.lock", {**both, "XDG_CACHE_HOME": f"{tmp_path}/cache"}
    chosen = ("--tp", "8", "--base", base)
    succeeds("lock", *chosen, "--lock", lock, environment=environment)
    build, locking = (*chosen, "--engine", engine, "--push", "-t"), ("--lock", str(lock), "--locked")
    derived(environment, *build, f"{repository}:plain")
    derived(environment, *build, f"{repository}:locked", *locking)
    labels = [config(f"{repository}:{tag}")["config"]["Labels"] for tag in ("plain", "locked")]
    assert [found["dev.m2build.preimage"] for found in labels] == ["verified-in-layers", "locked"]
    contents = {content_digest(environment, f"{repository}:{tag}") for tag in ("plain", "locked")}
    assert len(contents) == 1
    said = succeeds("verify", f"{repository}:locked", *chosen, "--lock", lock, environment=environment)
    assert said.splitlines()[-2] == f"lock     {lock} agrees"
    lock.write_text(lock.read_text(encoding="utf-8").replace("uid: 0", "uid: 1", 1), encoding="utf-8")
    assert "footing." in refused(4, "image", *build, f"{repository}:altered", *locking, environment=environment)
    assert run("crane", "ls", repository).decode().split() == ["locked", "plain"]
