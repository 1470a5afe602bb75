"""Credentials from the files and helpers of docker and podman, well-formed and malformed."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers.registry.registries import access, docker_config, docker_registry, htpasswd, run
from helpers.registry.registry_checks import visible

from m2build.errors import M2BuildError, TransportError, UsageError
from m2build.registry.credentials import find_credentials
from m2build.registry.login import Credentials

HOST = "registry.example:5000"
HUB = "https://index.docker.io/v1/"
SECRET = "s3cret"


def auth(user: str = "alice", password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def wrapped(user: str, password: str) -> str:
    """As coreutils' base64 writes it."""
    return base64.encodebytes(f"{user}:{password}".encode()).decode()


def find(environment: Mapping[str, str], registry: str = HOST, repository: str = "team/app") -> tuple[str, str] | None:
    found = find_credentials(registry, repository, environment)
    return None if found is None else (found.username, found.registry_token or found.identity_token or found.password)


def helper(folder: Path, name: str, script: str) -> dict[str, str]:
    """A program on PATH that answers as docker's credential helpers do: `get`, with the server on stdin."""
    path = folder / "bin" / f"docker-credential-{name}"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nread server\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{path.parent}:{os.environ['PATH']}"}


def knows(server: str, user: str = "helped", secret: str = SECRET) -> str:
    answer = json.dumps({"ServerURL": server, "Username": user, "Secret": secret})
    missing = "credentials not found in native keychain"
    return f"""[ "$1" = get ] && [ "$server" = '{server}' ] && echo '{answer}' || {{ echo '{missing}'; exit 1; }}"""


@pytest.mark.parametrize(
    ("registry", "auths", "found"),
    [
        (HOST, {HOST: auth()}, ("alice", SECRET)),
        (HOST, {f"https://{HOST}": auth()}, ("alice", SECRET)),
        (HOST, {f"https://{HOST}/v1/": auth()}, ("alice", SECRET)),
        (HOST, {f"https://{HOST}/v2/": auth()}, ("alice", SECRET)),
        (HOST, {HOST: {"username": "bob", "password": "word"}}, ("bob", "word")),
        (HOST, {HOST: auth() | {"username": "bob", "password": "word"}}, ("alice", SECRET)),
        (HOST, {HOST: auth("alice", "with:colons:")}, ("alice", "with:colons:")),
        (HOST, {HOST: auth("alice", "p\u00e4ss")}, ("alice", "p\u00e4ss")),
        (HOST, {HOST: auth(password=f"{SECRET}\0\0")}, ("alice", SECRET)),
        (HOST, {HOST: auth(password="") | {"identitytoken": "idt"}}, ("alice", "idt")),
        (HOST, {HOST: {"identitytoken": "idt"}}, ("", "idt")),
        (HOST, {f"https://{HOST}/": auth()}, ("alice", SECRET)),
        (HOST, {f"http://{HOST}": auth()}, ("alice", SECRET)),
        (HOST, {f"http://{HOST}/": auth()}, ("alice", SECRET)),
        (HOST, {f"{HOST}/v2/": auth()}, ("alice", SECRET)),
        (HOST, {f"{HOST}/v1": auth()}, ("alice", SECRET)),
        (HOST, {f"https://{HOST}/v1": auth()}, ("alice", SECRET)),
        (HOST, {f"{HOST}/": auth()}, ("alice", SECRET)),
        (HOST, {f"https://{HOST}/": auth("other"), HOST: auth()}, ("alice", SECRET)),
        (HOST, {f"https://{HOST}/team/": auth("near"), HOST: auth("far")}, ("near", SECRET)),
        (HOST, {f"https://{HOST}.evil.example/": auth()}, None),
        (HOST, {f"https://evil.example/{HOST}": auth()}, None),
        (HOST, {HOST: {"auth": wrapped("alice", SECRET * 20)}}, ("alice", SECRET * 20)),
        (HOST, {HOST: {"auth": f" {auth()['auth']}\r\n"}}, ("alice", SECRET)),
        (HOST, {HOST: auth() | {"registrytoken": "rt"}}, ("alice", "rt")),
        (HOST, {HOST: {"registrytoken": "rt", "identitytoken": "idt"}}, ("", "rt")),
        (HOST, {HOST: auth() | {"registrytoken": "", "identitytoken": ""}}, ("alice", SECRET)),
        (HOST, {HOST: {}}, None),
        (HOST, {HOST: {"auth": ""}}, None),
        (HOST, {HOST: None}, None),
        (HOST, {}, None),
        (HOST, {"registry.example": auth()}, None),
        (HOST, {f"{HOST}/other": auth()}, None),
        (HOST, {f"{HOST}/tea": auth()}, None),
        (HOST, {HOST: auth("far"), f"{HOST}/team": auth("near"), f"{HOST}/team/app": auth("here")}, ("here", SECRET)),
        (HOST, {HOST: auth("far"), f"{HOST}/team": auth("near")}, ("near", SECRET)),
        ("docker.io", {HUB: auth()}, ("alice", SECRET)),
        ("docker.io", {"docker.io": auth()}, ("alice", SECRET)),
        ("docker.io", {"docker.io/team": auth("near"), HUB: auth("far")}, ("near", SECRET)),
        ("docker.io", {"index.docker.io": auth()}, ("alice", SECRET)),
        ("docker.io", {"https://index.docker.io/v1": auth()}, ("alice", SECRET)),
        ("docker.io", {"https://registry-1.docker.io/v2/": auth()}, ("alice", SECRET)),
        ("docker.io", {"https://docker.io/": auth()}, ("alice", SECRET)),
        ("ghcr.io", {HUB: auth()}, None),
    ],
)  # fmt: skip
def test_credentials_found_in_a_file(
    registry: str, auths: dict[str, Any], found: tuple[str, str] | None, tmp_path: Path
) -> None:
    assert find(docker_config(tmp_path, {"auths": auths}), registry) == found


def test_a_helper_for_the_registry_comes_first(tmp_path: Path) -> None:
    path = helper(tmp_path, "own", knows(HOST, "own")) | helper(tmp_path, "common", knows(HOST, "common"))
    document = {"auths": {HOST: auth()}, "credsStore": "common", "credHelpers": {HOST: "own"}}
    assert find(docker_config(tmp_path / "d", document) | path) == ("own", SECRET)
    document["credHelpers"] = {"other.example": "own"}
    assert find(docker_config(tmp_path / "d", document) | path) == ("common", SECRET)
    document["credsStore"] = ""
    assert find(docker_config(tmp_path / "d", document) | path) == ("alice", SECRET)


def test_a_helper_without_credentials_for_the_registry(tmp_path: Path) -> None:
    path = helper(tmp_path, "own", knows("other.example"))
    document = {"auths": {HOST: auth()}, "credHelpers": {HOST: "own"}}
    assert find(docker_config(tmp_path / "d", document) | path) is None
    document = {"auths": {HOST: auth()}, "credsStore": "own"}
    assert find(docker_config(tmp_path / "d", document) | path) == ("alice", SECRET)


EMPTY = """echo '{"ServerURL":"","Username":"","Secret":""}'"""


@pytest.mark.parametrize(
    "script",
    [EMPTY, "echo credentials not found in native keychain >&2; exit 1", "echo 'credentials not found'; exit 1"],
)
def test_a_helper_without_an_answer_means_anonymous(script: str, tmp_path: Path) -> None:
    path = helper(tmp_path, "own", script)
    for document in ({"credsStore": "own"}, {"credHelpers": {HOST: "own"}}):
        assert find(docker_config(tmp_path / "d", document) | path) is None
    assert find(docker_config(tmp_path / "d", {"credsStore": "own", "auths": {HOST: auth()}}) | path) == (
        "alice", SECRET,
    )  # fmt: skip


@pytest.mark.parametrize("key", [HOST, f"https://{HOST}", f"https://{HOST}/", f"http://{HOST}/v2/"])
def test_a_helpers_key_may_have_any_spelling(key: str, tmp_path: Path) -> None:
    path = helper(tmp_path, "own", knows(HOST))
    assert find(docker_config(tmp_path / "d", {"credHelpers": {key: "own"}}) | path) == ("helped", SECRET)


def in_variable(user: str, host: str = HOST) -> dict[str, str]:
    return {"DOCKER_AUTH_CONFIG": json.dumps({"auths": {host: auth(user)}})}


def test_docker_auth_config_comes_first(tmp_path: Path) -> None:
    """As for the Docker CLI: the files are read for what it does not contain."""
    path = helper(tmp_path, "own", knows(HOST))
    files = docker_config(tmp_path / "d", {"auths": {HOST: auth("filed")}, "credHelpers": {HOST: "own"}}) | path
    named = tmp_path / "named.json"
    named.write_text(json.dumps({"auths": {HOST: auth("named")}}))
    assert find(in_variable("told")) == ("told", SECRET)
    assert find(files | in_variable("told")) == ("told", SECRET)
    assert find(files | in_variable("told", "other.example")) == ("helped", SECRET)
    assert find(files | in_variable("told", "other.example") | {"REGISTRY_AUTH_FILE": str(named)}) == ("named", SECRET)
    assert find(files | in_variable("told") | {"REGISTRY_AUTH_FILE": str(named)}) == ("told", SECRET)
    assert find(files | {"DOCKER_AUTH_CONFIG": ""}) == ("helped", SECRET)
    assert find(path | {"HOME": "/nonexistent", "DOCKER_AUTH_CONFIG": '{"credsStore": "own"}'}) == ("helped", SECRET)


@pytest.mark.parametrize("content", ["{", "[]", '{"auths": {"registry.example:5000": {"auth": "@s3cret"}}}', SECRET])
def test_a_malformed_variable_is_named_and_not_quoted(content: str) -> None:
    with pytest.raises(UsageError, match=r"^DOCKER_AUTH_CONFIG(: auths\..+:5000)? is not ") as caught:
        find({"HOME": "/nonexistent", "DOCKER_AUTH_CONFIG": content})
    assert SECRET not in visible(caught.value)


@pytest.mark.parametrize("key", ["docker.io", HUB])
def test_a_helper_for_docker_hub_gets_its_old_address(key: str, tmp_path: Path) -> None:
    path = helper(tmp_path, "own", knows(HUB))
    assert find(docker_config(tmp_path / "d", {"credHelpers": {key: "own"}}) | path, "docker.io") == ("helped", SECRET)


def test_a_helper_may_give_an_identity_token(tmp_path: Path) -> None:
    path = helper(tmp_path, "own", knows(HOST, "<token>", "idt"))
    found = find_credentials(HOST, "app", docker_config(tmp_path / "d", {"credsStore": "own"}) | path)
    assert found == Credentials("", "", "idt")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (f"echo {SECRET}", "sent a malformed answer"),
        (f"""echo '["{SECRET}"]'""", "sent a malformed answer"),
        (f"""echo '{{"Secret": "{SECRET}"}}'""", "sent a malformed answer"),
        (f"printf '{SECRET}\\377'", "sent a malformed answer"),
        (f"""echo '{{"Username": null, "Secret": "{SECRET}"}}'""", "sent a malformed answer"),
        (f"""echo '{{"Username": "a", "Secret": ["{SECRET}"]}}'""", "sent a malformed answer"),
        (f"""echo '{{"Username": "<token>", "Secret": "{SECRET}\\ud83d"}}'""", "sent a malformed answer"),
        (f"echo {SECRET}; echo {SECRET} >&2; exit 1", f"failed for {HOST}"),
    ],
)
def test_a_helper_that_fails_is_not_quoted(script: str, words: str, tmp_path: Path) -> None:
    path = helper(tmp_path, "own", script)
    with pytest.raises(TransportError, match=f"credential helper docker-credential-own {words}") as caught:
        find(docker_config(tmp_path / "d", {"credsStore": "own"}) | path)
    assert "docker-credential-own list" in str(caught.value.hint)
    assert SECRET not in visible(caught.value)


@pytest.mark.parametrize("name", ["../own", "a\nb", "\0", "-h own"])
def test_a_helpers_name_is_a_word(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a credential helper's name"):
        find(docker_config(tmp_path / "d", {"credsStore": name}))


@pytest.mark.parametrize(
    "entry",
    [
        {"username": "a", "password": f"{SECRET}\ud83d"},
        {"username": "\ud83d", "password": SECRET},
        {"auth": "4pyTOv8="},
    ],
    ids=["password", "name", "not UTF-8"],
)
def test_an_entry_that_cannot_be_sent_is_none_or_an_error(entry: dict[str, str], tmp_path: Path) -> None:
    environment = docker_config(tmp_path / "d", {"auths": {HOST: entry}})
    if "auth" not in entry:
        assert find_credentials(HOST, "app", environment) is None
        return
    with pytest.raises(UsageError, match="is not base64") as caught:
        find(environment)
    assert "\u2713" not in visible(caught.value)
    assert "xff" not in visible(caught.value)


def test_a_helper_that_is_missing_or_cannot_be_run(tmp_path: Path) -> None:
    environment = docker_config(tmp_path / "d", {"credsStore": "own"}) | helper(tmp_path, "own", "")
    program = tmp_path / "bin" / "docker-credential-own"
    program.write_bytes(b"\0not a program")
    with pytest.raises(TransportError, match="docker-credential-own does not answer"):
        find(environment)
    program.unlink()
    with pytest.raises(TransportError, match="docker-credential-own is not installed"):
        find(environment)


@pytest.mark.parametrize("kind", ["DOCKER_CONFIG", "HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "HOME for podman"])
def test_default_locations_of_the_files(kind: str, tmp_path: Path) -> None:
    below = {
        "DOCKER_CONFIG": "config.json", "HOME": ".docker/config.json", "XDG_RUNTIME_DIR": "containers/auth.json",
        "XDG_CONFIG_HOME": "containers/auth.json", "HOME for podman": ".config/containers/auth.json",
    }[kind]  # fmt: skip
    path = tmp_path / "here" / below
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"auths": {HOST: auth()}}))
    environment = {"HOME": str(tmp_path / "home"), kind.partition(" ")[0]: str(tmp_path / "here")}
    assert find(environment) == ("alice", SECRET)
    assert find({"HOME": str(tmp_path / "home")}) is None


def test_the_first_file_with_credentials_wins(tmp_path: Path) -> None:
    environment = docker_config(tmp_path / "docker", {"auths": {"other.example": auth()}})
    podman = tmp_path / "containers" / "auth.json"
    podman.parent.mkdir()
    podman.write_text(json.dumps({"auths": {HOST: auth("podman"), "other.example": auth("podman")}}))
    environment["XDG_RUNTIME_DIR"] = str(tmp_path)
    assert find(environment) == ("podman", SECRET)
    assert find(environment, "other.example") == ("alice", SECRET)


def test_a_file_named_by_the_user_is_the_only_one_read(tmp_path: Path) -> None:
    environment = docker_config(tmp_path / "docker", {"auths": {HOST: auth()}})
    named = tmp_path / "named.json"
    environment["REGISTRY_AUTH_FILE"] = str(named)
    with pytest.raises(UsageError, match=f"REGISTRY_AUTH_FILE names {named}, which does not exist"):
        find(environment)
    named.write_text("{}")
    assert find(environment) is None
    named.write_text(json.dumps({"auths": {HOST: auth("named")}}))
    assert find(environment) == ("named", SECRET)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not JSON"), (b"{", "is not JSON"), (b"\xff", "is not JSON"), (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not a JSON object"), (b"null", "is not a JSON object"),
        (b'{"auths": {"registry.example:5000": {"auth": "@s3cret"}}}', "auths.registry.example:5000 is not base64"),
        (b'{"auths": {"registry.example:5000": {"auth": "/////w=="}}}', "is not base64"),
        (b'{"auths": {"registry.example:5000": {"auth": "czNjcmV0"}}}', "contains no user name and password"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_reported_by_name(content: bytes, words: str, tmp_path: Path) -> None:
    environment = docker_config(tmp_path, {})
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        find(environment)
    assert str(tmp_path / "config.json") in str(caught.value)
    assert "log in again" in str(caught.value.hint)
    assert SECRET not in str(caught.value) + str(caught.value.__cause__)
    assert "czNjcmV0" not in str(caught.value)


@pytest.mark.parametrize("content", [b'{"auths": []}', b'{"credHelpers": 7, "credsStore": 7, "auths": 7}', b"{}"])
def test_odd_members_are_ignored(content: bytes, tmp_path: Path) -> None:
    environment = docker_config(tmp_path, {})
    (tmp_path / "config.json").write_bytes(content)
    assert find(environment) is None


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(M2BuildError, match=r"config\.json cannot be read: Is a directory"):
        find({"DOCKER_CONFIG": str(tmp_path)})


@pytest.mark.parametrize("what", ["device", "large"])
def test_what_is_no_file_of_credentials_is_not_read(what: str, tmp_path: Path) -> None:
    """A device without an end took all memory."""
    path = tmp_path / "config.json"
    if what == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(3 << 30)
    with pytest.raises(M2BuildError, match=r"is a character device|is larger than 4,194,304 bytes"):
        find({"DOCKER_CONFIG": str(tmp_path)})


def test_credentials_do_not_show_their_secret() -> None:
    assert SECRET not in f"{Credentials('alice', SECRET)!r} {Credentials('alice', 'x', SECRET)}"


def test_credentials_written_by_skopeo_and_crane_are_read(tmp_path: Path) -> None:
    """Their own login commands, against a registry that checks the password."""
    from helpers.registry.registries import PASSWORD, USER

    with docker_registry(tmp_path, auth=htpasswd(tmp_path)) as host:
        named = tmp_path / "auth.json"
        login = ("--username", USER, "--password", PASSWORD)
        run("skopeo", "login", "--tls-verify=false", "--authfile", str(named), *login, host)
        assert find({"REGISTRY_AUTH_FILE": str(named)}, host) == (USER, PASSWORD)
        environment = {**os.environ, "DOCKER_CONFIG": str(tmp_path / "docker")}
        run("crane", "auth", "login", *login, host, environment=environment)
        assert find(environment | {"REGISTRY_AUTH_FILE": ""}, host) == (USER, PASSWORD)


def test_a_helper_runs_only_after_a_challenge(tmp_path: Path) -> None:
    from helpers.registry.registry_checks import ONE, push

    path = helper(tmp_path, "own", f"touch {tmp_path}/asked; exit 1")
    user = access(docker_config(tmp_path / "d", {"credsStore": "own"}) | path)
    with docker_registry(tmp_path) as host:
        assert push(user, host, "app:v1").uploaded == len(ONE.manifest.layers) + 1
    assert not (tmp_path / "asked").exists()
