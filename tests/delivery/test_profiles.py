"""Derivations and copies in each kind of registry: what is sent, and that a rerun sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.registry.field_registry import FieldRegistry, field_registry
from helpers.registry.profiles import PROFILES, Profile, profiled_registry, stock
from helpers.registry.registries import logged_in, run
from helpers.support import sampled

import m2build
from m2build.delivery import Destinations
from m2build.registry.push import Transfer
from m2build.registry.referrers import Attached

BASE = base_image()
LAYERS = len(BASE.manifest.layers)
STATEMENTS = 4
"""What is attached: provenance, patches, and the bill of materials twice, as a statement and by itself."""
SELECTION = m2build.load_recipe("minimax-m2").select(tp=8)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """Another registry, with the base."""
    with field_registry() as registry:
        stock(registry, "team/sglang", BASE, "rocm")
        yield f"docker://{registry.host}/team/sglang:rocm"


@pytest.fixture(params=sampled(PROFILES, every=3))
def profile(request: pytest.FixtureRequest) -> Profile:
    return PROFILES[request.param]


@pytest.fixture
def registry(profile: Profile) -> Iterator[FieldRegistry]:
    with profiled_registry(profile) as registry:
        stock(registry, "team/sglang", BASE, "rocm")
        yield registry


@pytest.fixture
def environment(registry: FieldRegistry, tmp_path: Path) -> Mapping[str, str]:
    return {**logged_in(tmp_path, registry.host), "PATH": "/usr/bin:/bin"}


@pytest.fixture
def session(environment: Mapping[str, str], cache: Path) -> Iterator[m2build.Session]:
    with m2build.Session(environment=environment, cache=cache) as session:
        yield session


def moved(delivery: m2build.Delivery) -> Transfer:
    assert delivery.built.transfer is not None
    return delivery.built.transfer


def written(registry: FieldRegistry) -> list[tuple[str, str]]:
    """The requests that put something there."""
    return [request for request in registry.requests if request[0] in ("PUT", "PATCH")]


def derived(session: m2build.Session, host: str) -> tuple[m2build.Delivery, Attached]:
    to = Destinations(names=[f"{host}/models/m2:tp8"], push=True)
    (delivery,) = session.shipment([SELECTION], f"{host}/team/sglang:rocm", to=to).deliver()
    return delivery, session.attest(delivery)


def test_a_derivation_within_it(
    profile: Profile, registry: FieldRegistry, session: m2build.Session, environment: Mapping[str, str]
) -> None:
    first, attached = derived(session, registry.host)
    shared = LAYERS if profile.shares else 0
    found, mounted = (shared, 0) if profile.habits.appears else (0, shared)
    assert moved(first) == Transfer(found, mounted, 2 + LAYERS - shared, moved(first).bytes)
    assert registry.count("POST", "mount=") == registry.count("POST", "from=team"), "no mount without its source"
    run("crane", "validate", "--remote", f"{registry.host}/models/m2:tp8", environment=environment)
    assert (attached.existing, attached.tag is None) == (0, profile.habits.referrers == "api")
    assert len(session.referrers(first.reference)) == attached.added == STATEMENTS
    registry.requests.clear()
    again, attached_again = derived(session, registry.host)
    assert (again.digest, moved(again)) == (first.digest, Transfer(LAYERS + 2, 0, 0, 0))
    assert attached_again == Attached(0, STATEMENTS, attached.tag, attached.artifacts)
    assert written(registry) == []


def test_a_copy_into_it(
    registry: FieldRegistry, session: m2build.Session, environment: Mapping[str, str], elsewhere: str
) -> None:
    name = f"{registry.host}/copies/sglang:rocm"
    assert moved(session.push(elsewhere, name)).uploaded == LAYERS + 1
    run("crane", "validate", "--remote", name, environment=environment)
    assert registry.manifests["copies/sglang/rocm"] == BASE.manifest.raw
    registry.requests.clear()
    assert moved(session.push(elsewhere, name)) == Transfer(LAYERS + 1, 0, 0, 0)
    assert written(registry) == []
