"""Redirects, uploads that go on elsewhere, and registries that talk too much: nobody else learns a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from faultproxy import Rule, fault_proxy
from registries import (
    PASSWORD,
    USER,
    access,
    docker_registry,
    htpasswd,
    logged_in,
)
from registry_checks import ONE, pull, push, refused, user_header

from m2build.errors import TransportError
from m2build.oci.image import open_blob


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with docker_registry(tmp_path, auth=htpasswd(tmp_path)) as host:
        yield host


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_host_serves_blobs_and_gets_no_credentials(status: int, host: str, tmp_path: Path) -> None:
    layer = ONE.manifest.layers[0]
    with open_blob(ONE.blobs, layer) as reader:
        data = reader.read()
    with fault_proxy(host) as elsewhere, fault_proxy(host) as proxy:
        user = access(logged_in(tmp_path / "docker", proxy.host))
        push(user, proxy.host, "app:v1")
        elsewhere.rules = [Rule(status=200, body=data)]
        location = f"http://{elsewhere.host}/cdn?signature=hush-0815"
        proxy.rules = [Rule("GET", str(layer.digest), status=status, headers={"Location": location})]
        pull(user, proxy.host, "app:v1")
        assert [record.path for record in elsewhere.records] == ["/cdn?signature=hush-0815"]
        assert "Authorization" not in elsewhere.records[0].headers
        assert "Authorization" in proxy.seen("GET", str(layer.digest))[-1].headers
        elsewhere.rules = [Rule(status=403)]
        with refused(
            rf"{elsewhere.host}, where {proxy.host} leads us, answers 403", "ask whoever runs", "hush-0815", PASSWORD
        ):
            pull(user, proxy.host, "app:v1")


def test_an_upload_that_goes_on_elsewhere_gets_no_credentials(host: str, tmp_path: Path) -> None:
    with fault_proxy(host, Rule(status=201)) as elsewhere, fault_proxy(host) as proxy:
        user = access(logged_in(tmp_path / "docker", proxy.host))
        push(user, proxy.host, "app:v1")
        location = f"http://user:hush-0815@{elsewhere.host}/bucket?signature=hush-0815"
        proxy.rules = [
            Rule("HEAD", "blobs", status=404),
            Rule("POST", status=202, headers={"Location": location}),
        ]
        push(user, proxy.host, "app:v2")
        assert len(elsewhere.seen("PUT", "signature=hush-0815&digest=sha256")) == 3
        assert [record for record in elsewhere.records if "Authorization" in record.headers] == []
        elsewhere.rules = [Rule(status=400)]
        words = rf"{elsewhere.host}, where {proxy.host} leads us, answers 400"
        with refused(words, "ask whoever runs", "hush-0815", PASSWORD):
            push(user, proxy.host, "app:v3")
        elsewhere.rules = [Rule(drop=True)]
        with refused(f"^{elsewhere.host} does not answer", "check", "hush-0815", PASSWORD):
            push(user, proxy.host, "app:v3")


def test_circles_end(host: str, tmp_path: Path) -> None:
    with fault_proxy(host) as proxy:
        user = access(logged_in(tmp_path / "docker", proxy.host))
        proxy.rules = [Rule("GET", "manifests", status=307, headers={"Location": "/v2/app/manifests/v1"})]
        with pytest.raises(TransportError, match="leads us in circles"):
            pull(user, proxy.host, "app:v1")
        assert len(proxy.records) < 10


def test_a_registry_that_repeats_our_secrets_is_not_quoted_with_them(host: str, tmp_path: Path) -> None:
    with fault_proxy(host) as proxy:
        user = access(logged_in(tmp_path / "docker", proxy.host))
        errors = [{"code": "DENIED", "message": f"{USER} {PASSWORD} Basic {user_header(user)}"}]
        proxy.rules = [Rule("POST", status=403, body=json.dumps({"errors": errors}).encode())]
        words = rf"cannot be written with the credentials at hand \(DENIED: {USER} \*\*\* Basic \*\*\*\)"
        with refused(words, "check what", PASSWORD, user_header(user)):
            push(user, proxy.host, "app:v1")
