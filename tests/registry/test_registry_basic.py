"""Basic authentication against a registry that requires it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.registry.faultproxy import fault_proxy
from helpers.registry.registries import (
    PASSWORD,
    USER,
    WRONG,
    access,
    docker_registry,
    htpasswd,
    logged_in,
)
from helpers.registry.registry_checks import ONE, pull, push, refused, refuses, user_header


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("basic")
    with docker_registry(folder, auth=htpasswd(folder)) as host:
        yield host


def test_a_logged_in_user_pushes_mounts_and_pulls(host: str, tmp_path: Path) -> None:
    user = access(logged_in(tmp_path, host))
    assert push(user, host, "one:v1").uploaded == 3
    assert push(user, host, "two:v1", "one").mounted == 3
    assert pull(user, host, "two:v1").manifest.raw == ONE.manifest.raw


def test_the_password_is_sent_only_after_a_challenge(host: str, tmp_path: Path) -> None:
    with fault_proxy(host) as proxy:
        push(access(logged_in(tmp_path, proxy.host)), proxy.host, "lazy:v1")
    assert "Authorization" not in proxy.records[0].headers
    assert all(record.status != 401 for record in proxy.records[8:])


def test_without_credentials(host: str) -> None:
    refuses(f"{host}/app cannot be (read|written) without credentials", f"docker login {host}", access(), host)


def test_with_a_wrong_password(host: str, tmp_path: Path) -> None:
    user = access(logged_in(tmp_path, host, password=WRONG))
    refuses("cannot be read with the user's credentials", "log in again", user, host, WRONG, user_header(user))


def test_credentials_for_another_registry_are_not_used(host: str, tmp_path: Path) -> None:
    user = access(logged_in(tmp_path, "registry.example", USER, PASSWORD))
    refuses("without credentials", "docker login", user, host)


def test_a_password_that_was_refused_is_not_sent_again(host: str, tmp_path: Path) -> None:
    with fault_proxy(host) as proxy:
        user = access(logged_in(tmp_path, proxy.host, password=WRONG))
        with refused("cannot be read", "log in again", WRONG):
            pull(user, proxy.host, "app:v1")
    sent = [record.headers.get("Authorization") for record in proxy.seen("GET", "manifests")]
    assert sent == [None, f"Basic {user_header(user)}"]
