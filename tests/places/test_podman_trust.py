"""Registries that podman may use by plain HTTP: those on this machine, as for Docker and for m2build itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.engines.programs import script

from m2build.engines.model import Order
from m2build.engines.podman import Podman
from m2build.places.engine_store import fetch_image
from m2build.places.place import Place, PlaceKind
from m2build.progress import Silent

DIGEST = f"sha256:{'1' * 64}"
TRUSTED = "--tls-verify=false"
LOOPBACK = ["127.0.0.1:5000/a/b:c", "127.8.9.10:5000/a:b", "localhost:5000/a:b", "localhost/a:b", "[::1]:5000/a:b"]
ELSEWHERE = ["registry.example/a:b", "10.0.0.1:5000/a:b", "a/b:c", "localhost.example/a:b", "127.0.0.1.example/a:b"]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A podman that records its arguments, one line per command."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "sh").symlink_to("/bin/sh")
    log = tmp_path / "said"
    note = (
        f'echo "$@" >>{log}; for word; do case "$word" in --iidfile=*|--digestfile=*) echo {DIGEST} >"${{word#*=}}";;'
        f" esac; done; echo {DIGEST}"
    )
    script(tmp_path, "podman", ("*", note))
    return log


def commands(said: Path) -> dict[str, str]:
    return {line.split()[0]: line for line in said.read_text().splitlines() if "--help" not in line}


@pytest.mark.parametrize("insecure", [False, True])
@pytest.mark.parametrize("base", [LOOPBACK[0], ELSEWHERE[0], None])
@pytest.mark.parametrize("target", [LOOPBACK[1], ELSEWHERE[1]])
def test_base_and_target_each_have_their_own_option(
    base: str | None,
    target: str,
    insecure: bool,  # noqa: FBT001
    said: Path,
    tmp_path: Path,
) -> None:
    place = Place(PlaceKind.REGISTRY, target)
    Podman().build(tmp_path, Order(place, target, "linux/amd64", 0, base, insecure=insecure), Silent())
    assert (TRUSTED in commands(said)["build"]) == (base is not None and (insecure or base in LOOPBACK))
    assert (TRUSTED in commands(said)["push"]) == (insecure or target in LOOPBACK)


@pytest.mark.parametrize("name", LOOPBACK + ELSEWHERE)
def test_a_pull(name: str, said: Path) -> None:
    fetch_image(Place(PlaceKind.CONTAINERS_STORAGE, name), "linux/amd64", Silent(), insecure=False)
    assert (TRUSTED in commands(said)["pull"]) == (name in LOOPBACK)
