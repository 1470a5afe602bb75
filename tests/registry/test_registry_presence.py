"""What a repository lacks: looked for, mounted, looked for again, and only then sent; and what registries warn of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from helpers.images import SAMPLE, image
from helpers.registry.field_registry import FieldRegistry, Habits, field_registry
from helpers.registry.profiles import PROFILES
from helpers.registry.registries import access, reference

from m2build.progress import Silent
from m2build.registry.access import Access
from m2build.registry.push import Transfer, push_image
from m2build.registry.target import Repository

ONE = image(*SAMPLE)
LAYERS = ONE.manifest.layers


def stocked(registry: FieldRegistry) -> FieldRegistry:
    registry.elsewhere = {str(layer.digest) for layer in LAYERS}
    return registry


@pytest.mark.parametrize("profile", PROFILES)
def test_only_what_a_registry_does_not_share_is_sent(profile: str) -> None:
    habits, shared = PROFILES[profile].habits, len(LAYERS) * PROFILES[profile].shares
    with field_registry(replace(habits)) as registry:
        stocked(registry)
        found = push_image(ONE, reference(registry.host, "app:v1"), access(), Silent(), mount_from="base")
        mounted = shared if habits.mount == 201 else 0
        assert (found.existing, found.mounted, found.uploaded) == (shared - mounted, mounted, 3 - shared)
        assert registry.manifests["app/v1"] == ONE.manifest.raw


@pytest.mark.parametrize("profile", PROFILES)
def test_the_look_before_a_push_finds_the_same(profile: str) -> None:
    habits, shared = PROFILES[profile].habits, len(LAYERS) * PROFILES[profile].shares
    with field_registry(replace(habits)) as registry:
        stocked(registry)
        client = access().push(reference(registry.host, "app:v1"), ["base"])
        repository = Repository(client, "base")
        assert list(repository.lacking(LAYERS)) == list(LAYERS if not shared else ())
        assert len(repository.found) == shared
        assert registry.count("PUT", "") + registry.count("PATCH", "") == 0
        begun = registry.count("POST", "mount=") if habits.mount == 202 else 0
        assert registry.count("DELETE", "uploads/") == begun, "what the registry began instead is cancelled"


def test_what_has_been_found_is_not_asked_for_again() -> None:
    with field_registry() as registry:
        known = frozenset(layer.digest for layer in LAYERS)
        registry.blobs |= {str(digest): b"" for digest in known}
        found = push_image(ONE, reference(registry.host, "app:v1"), access(), Silent(), known=known)
        assert found == Transfer(existing=2, mounted=0, uploaded=1, bytes=ONE.manifest.config.size)
        assert [path for method, path in registry.requests if str(LAYERS[0].digest) in path and method == "HEAD"] == []


def warned(registry: FieldRegistry, environment: Mapping[str, str]) -> list[str]:
    said: list[str] = []
    user = Access.of(environment, notice=said.append)
    push_image(ONE, reference(registry.host, "app:v1"), user, Silent())
    return [sentence.removeprefix(f"{registry.host} warns: ") for sentence in said]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ('299 - "pulls are limited from May on"', ["pulls are limited from May on"]),
        ('299 - "one", 299 - "two"', ["one", "two"]),
        ('299 proxy.example "a\tb"', ["a b"]),
        ('199 - "not for people"', []),
        ("299", []),
        (f'299 - "{"x" * 900}"', ["x" * 300]),
    ],
)
def test_a_registrys_warnings_are_passed_on_once(header: str, said: list[str]) -> None:
    with field_registry(Habits(warning=header)) as registry:
        assert warned(registry, {"HOME": "/nonexistent"}) == said
