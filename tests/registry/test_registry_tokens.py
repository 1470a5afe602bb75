"""Tokens: one for all scopes, renewed when they expire, and never from an untrusted server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.images import image, tar
from helpers.registry.faultproxy import Rule, fault_proxy
from helpers.registry.registries import (
    PASSWORD,
    WRONG,
    access,
    call,
    docker_config,
    logged_in,
    noise,
    reference,
    tag_digest,
)
from helpers.registry.registry_checks import ONE, pull, push, refused, refuses, user_header
from helpers.registry.tokenserver import LEEWAY, REFRESH_TOKEN, TokenServer, token_registry

from m2build.errors import TransportError
from m2build.progress import Silent
from m2build.registry.access import Access
from m2build.registry.push import push_image


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TokenServer]:
    with token_registry(tmp_path) as server:
        yield server


@pytest.fixture
def user(server: TokenServer, tmp_path: Path) -> Access:
    return access(logged_in(tmp_path / "docker", server.registry))


def test_one_token_serves_target_and_source(server: TokenServer, user: Access) -> None:
    push(user, server.registry, "one:v1")
    server.asked.clear()
    assert push(user, server.registry, "two:v1", "one").mounted == 3
    assert [asked["scope"] for asked in server.asked] == [["repository:two:pull,push", "repository:one:pull"]]
    assert pull(user, server.registry, "two:v1").manifest.raw == ONE.manifest.raw


def test_public_images_are_pulled_without_credentials(server: TokenServer, user: Access) -> None:
    push(user, server.registry, "app:v1")
    server.anonymous = ("pull",)
    assert pull(access(), server.registry, "app:v1").manifest.raw == ONE.manifest.raw
    with refused("cannot be written without credentials .*UNAUTHORIZED", f"docker login {server.registry}"):
        push(access(), server.registry, "other:v1")


def test_a_user_without_push_permission(server: TokenServer, user: Access) -> None:
    server.known = ("pull",)
    words = f"^{server.registry}/app cannot be written with the user's credentials .*UNAUTHORIZED"
    with refused(words, "check the account's permissions", PASSWORD, user_header(user)):
        push(user, server.registry, "app:v1")
    assert len(server.asked) < 20
    assert [token for token in server.tokens if token in words] == []


def test_a_user_without_pull_permission(server: TokenServer, user: Access) -> None:
    server.known = ()
    refuses("cannot be read with the user's credentials", "log in again", user, server.registry, PASSWORD)


def test_a_private_source_is_not_mounted(server: TokenServer, user: Access) -> None:
    with fault_proxy(server.registry, Rule("POST", "from=secret", status=401)) as proxy:
        user = access(logged_in(Path(user.environment["DOCKER_CONFIG"]), proxy.host))
        assert push(user, proxy.host, "app:v1", "secret").uploaded == 3


def test_a_wrong_password(server: TokenServer, tmp_path: Path) -> None:
    user = access(logged_in(tmp_path / "wrong", server.registry, password=WRONG))
    words = rf"127\.0\.0\.1:\d+ issues no token for {server.registry} with the user's credentials$"
    refuses(words, "log in again", user, server.registry, WRONG, user_header(user))


def test_an_identity_token_is_exchanged_for_tokens(server: TokenServer, tmp_path: Path) -> None:
    entry = {"auth": "YWxpY2U6", "identitytoken": REFRESH_TOKEN}  # "alice:", as docker login writes it
    user = access(docker_config(tmp_path / "docker", {"auths": {server.registry: entry}}))
    push(user, server.registry, "app:v1")
    assert server.asked[0]["client_id"] == ["m2build"]
    assert tag_digest(server.registry, "app", "v1") is None  # asked without a token


def test_a_registry_token_is_used_as_it_is(server: TokenServer, user: Access, tmp_path: Path) -> None:
    push(user, server.registry, "app:v1")
    entry = {"registrytoken": server.tokens[-1]}
    server.asked.clear()
    holder = access(docker_config(tmp_path / "token", {"auths": {server.registry: entry}}))
    assert pull(holder, server.registry, "app:v1").manifest.raw == ONE.manifest.raw
    assert server.asked == []
    ended = access(docker_config(tmp_path / "ended", {"auths": {server.registry: {"registrytoken": "ended-0815"}}}))
    refuses(
        "cannot be (read|written) with the user's credentials", "log in again", ended, server.registry, "ended-0815"
    )


def test_a_token_refused_for_the_source_is_requested_without_it(server: TokenServer, user: Access) -> None:
    """GitLab's refuses the whole token if the user lacks one scope: the push then does without the mount."""
    server.forbidden = "secret"
    assert push(user, server.registry, "app:v1", "secret").uploaded == 3
    assert [len(asked["scope"]) for asked in server.asked][:2] == [2, 1]


def test_an_expired_identity_token(server: TokenServer, tmp_path: Path) -> None:
    entry = {"auth": "YWxpY2U6", "identitytoken": "ended-0815"}
    user = access(docker_config(tmp_path / "docker", {"auths": {server.registry: entry}}))
    refuses("issues no token", "log in again", user, server.registry, "ended-0815")


@pytest.mark.parametrize("late", [("PUT", "blobs/uploads"), ("PUT", "manifests")])
def test_a_token_that_expires_during_a_push_is_renewed(
    late: tuple[str, str], server: TokenServer, tmp_path: Path
) -> None:
    server.lifetime = 2 - LEEWAY
    with fault_proxy(server.registry, Rule(*late, times=1, delay=2.2)) as proxy:
        user = access(logged_in(tmp_path / "docker", proxy.host))
        assert push(user, proxy.host, "app:v1").uploaded == 3
        assert 401 in [record.status for record in proxy.seen(*late)]
        server.lifetime = 300
        assert pull(user, proxy.host, "app:v1").manifest.raw == ONE.manifest.raw
    assert len(server.tokens) >= 3


def test_a_large_layer_is_sent_again_with_a_new_token_if_its_own_has_expired(
    server: TokenServer, tmp_path: Path
) -> None:
    """Its bytes are on their way when the registry refuses the token."""
    challenge = call("GET", f"http://{server.registry}/v2/")[1]["WWW-Authenticate"]
    large = image(tar(noise(9 << 20)), how="plain")
    server.lifetime = 2 - LEEWAY
    expired = Rule("PATCH", times=1, delay=2.2, status=401, headers={"WWW-Authenticate": challenge})
    with fault_proxy(server.registry, expired) as proxy:
        user = access(logged_in(tmp_path / "docker", proxy.host))
        assert push_image(large, reference(proxy.host, "app:v1"), user, Silent()).uploaded == 2
        first, *_, last = proxy.seen("PATCH")
        assert (first.status, last.status) == (401, 202)
        pulled = pull(user, proxy.host, "app:v1")
        assert first.headers["Authorization"] != last.headers["Authorization"]
    assert pulled.manifest.raw == large.manifest.raw


@pytest.mark.parametrize("answer", ['{"token": 7, "access_token": "%s"}', '{"token": "", "access_token": "%s"}'])
def test_the_token_that_can_be_sent_counts(answer: str, server: TokenServer, user: Access) -> None:
    push(user, server.registry, "app:v1")
    server.answer = (201, (answer % server.tokens[-1]).encode())
    assert pull(access(user.environment), server.registry, "app:v1").manifest.raw == ONE.manifest.raw


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""), (200, b"[]"), (200, b'{"token": 7}'), (200, b'{"token": "a\\nb: c"}'), (200, b"[" * 100_000),
        (200, b'{"token": "\xc3\xa4"}'), (404, b"{}"), (302, b"{}"), (500, b"{}"),
    ],
)  # fmt: skip
def test_an_odd_answer_of_the_token_server(status: int, body: bytes, server: TokenServer, user: Access) -> None:
    server.answer = (status, body)
    words = rf"^127\.0\.0\.1:\d+ issues no token for {server.registry}: it answers {status}$"
    with pytest.raises(TransportError, match=words):
        pull(user, server.registry, "app:v1")


def test_a_token_server_with_an_endless_answer(server: TokenServer, user: Access) -> None:
    server.answer = (200, bytes(2 << 20))
    with pytest.raises(TransportError, match="answers with more than 1048576 bytes"):
        pull(user, server.registry, "app:v1")


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ('Bearer realm="http://registry.example/token"', "names the token server registry.example, which has no TLS"),
        ('Bearer realm="http://["', "asks for a token, but names no token server"),
        ('Bearer realm="file:///etc/passwd"', "asks for a token, but names no token server"),
        ("Bearer", "asks for a token, but names no token server"),
        ('Negotiate realm="x"', "cannot be read with the user's credentials"),
        ("", "cannot be read with the user's credentials"),
        ('\u00ff=,,,"', "cannot be read with the user's credentials"),
    ],
)  # fmt: skip
def test_an_odd_challenge_gets_no_password(challenge: str, words: str, server: TokenServer, tmp_path: Path) -> None:
    with fault_proxy(server.registry, Rule(status=401, headers={"WWW-Authenticate": challenge})) as proxy:
        user = access(logged_in(tmp_path / "docker", proxy.host))
        with pytest.raises(TransportError, match=words):
            pull(user, proxy.host, "app:v1")
    assert server.asked == []


def test_endless_challenges_are_answered_only_a_few_times(server: TokenServer, tmp_path: Path) -> None:
    rule = Rule("GET", "manifests", status=401)
    with fault_proxy(server.registry) as proxy:
        user = access(logged_in(tmp_path / "docker", proxy.host))
        push(user, proxy.host, "app:v1")
        realm = f'Bearer realm="{token_realm(server)}",service="test-registry"'
        rule.headers = {"WWW-Authenticate": realm}
        proxy.rules, proxy.records[:] = [rule], []
        with pytest.raises(TransportError, match="cannot be read with the user's credentials"):
            pull(user, proxy.host, "app:v1")
        assert 2 <= len(proxy.seen("GET", "manifests")) <= 4


def token_realm(server: TokenServer) -> str:
    _, headers, _ = call("GET", f"http://{server.registry}/v2/")
    return str(headers["WWW-Authenticate"].split('"')[1])


@pytest.mark.parametrize("place", ["/moved?{query}", "moved?{query}", "http://127.0.0.1:{port}/moved?{query}"])
def test_a_token_server_that_has_moved_is_followed(place: str, server: TokenServer, user: Access) -> None:
    server.redirect = place
    push(user, server.registry, "app:v1")
    assert pull(user, server.registry, "app:v1").manifest.raw == ONE.manifest.raw


def test_another_token_server_gets_no_password(server: TokenServer, user: Access) -> None:
    push(user, server.registry, "app:v1")
    server.redirect, server.anonymous = "http://localhost:{port}/moved?{query}", ("pull",)
    other = access(user.environment)
    assert pull(other, server.registry, "app:v1").manifest.raw == ONE.manifest.raw
    with refused("cannot be written", f"docker login {server.registry}"):
        push(other, server.registry, "other:v1")


@pytest.mark.parametrize(
    ("place", "words"),
    [("/token?{query}", "issues no token"), ("http://[", "issues no token"), ("ftp://x", "names no")],
)
def test_redirects_of_a_token_server_end(place: str, words: str, server: TokenServer, user: Access) -> None:
    server.redirect = place
    with pytest.raises(TransportError, match=words):
        push(user, server.registry, "app:v1")
