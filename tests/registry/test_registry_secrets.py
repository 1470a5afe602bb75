"""No secret leaks through redirects, uploads to other hosts, or registries that repeat it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from helpers.registry.faultproxy import Rule, fault_proxy
from helpers.registry.registries import (
    PASSWORD,
    USER,
    access,
    docker_config,
    docker_registry,
    htpasswd,
    logged_in,
)
from helpers.registry.registry_checks import ONE, pull, push, refused, user_header
from helpers.support import sampled

from m2build.cli.root import run
from m2build.errors import TransportError
from m2build.oci.image import open_blob
from m2build.oci.reference import parse_reference, without_user


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with docker_registry(tmp_path, auth=htpasswd(tmp_path)) as host:
        yield host


@pytest.mark.parametrize("status", sampled([301, 302, 303, 307, 308], every=3))
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
            rf"{elsewhere.host}, to which {proxy.host} redirects, answers 403",
            "ask the operators",
            "hush-0815",
            PASSWORD,
        ):
            pull(user, proxy.host, "app:v1")


def test_an_upload_that_continues_on_another_host_gets_no_credentials(host: str, tmp_path: Path) -> None:
    with fault_proxy(host, Rule(status=201)) as elsewhere, fault_proxy(host) as proxy:
        user = access(logged_in(tmp_path / "docker", proxy.host))
        push(user, proxy.host, "app:v1")
        location = f"http://user:hush-0815@{elsewhere.host}/bucket?signature=hush-0815"
        absent, elsewhere_on = (
            Rule("HEAD", "blobs", status=404, times=3),
            Rule("POST", status=202, headers={"Location": location}),
        )
        proxy.rules = [absent, elsewhere_on]
        push(user, proxy.host, "app:v2")
        assert len(elsewhere.seen("PUT", "signature=hush-0815&digest=sha256")) == 3
        assert [record for record in elsewhere.records if "Authorization" in record.headers] == []
        elsewhere.rules, absent.times = [Rule(status=400)], 3
        words = rf"{elsewhere.host}, to which {proxy.host} redirects, answers 400"
        with refused(words, "ask the operators", "hush-0815", PASSWORD):
            push(user, proxy.host, "app:v3")
        elsewhere.rules, absent.times = [Rule(drop=True)], 99
        with refused(f"^{elsewhere.host} does not answer", "check", "hush-0815", PASSWORD):
            push(user, proxy.host, "app:v3")


def test_redirect_loops_end(host: str, tmp_path: Path) -> None:
    with fault_proxy(host) as proxy:
        user = access(logged_in(tmp_path / "docker", proxy.host))
        proxy.rules = [Rule("GET", "manifests", status=307, headers={"Location": "/v2/app/manifests/v1"})]
        with pytest.raises(TransportError, match="redirect loop"):
            pull(user, proxy.host, "app:v1")
        assert len(proxy.records) < 10


@pytest.mark.parametrize("source", ["file", "helper", "variable"])
def test_a_secret_is_hidden_before_it_was_ever_sent(source: str, tmp_path: Path) -> None:
    """A registry that knows it from an earlier command repeats it in its first answer."""
    secret, encoded = "hush-0815", "YWxpY2U6aHVzaC0wODE1"
    errors = {"errors": [{"code": "DENIED", "message": f"alice {secret} {encoded}"}]}
    with fault_proxy("unused", Rule(status=400, body=json.dumps(errors).encode())) as proxy:
        document = {"auths": {proxy.host: {"auth": encoded}}}
        environment = docker_config(tmp_path, document)
        if source == "helper":
            program = tmp_path / "docker-credential-own"
            program.write_text(f"""#!/bin/sh\necho '{{"Username":"alice","Secret":"{secret}"}}'\n""")
            program.chmod(0o755)
            environment = docker_config(tmp_path, {"credsStore": "own"}) | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        elif source == "variable":
            environment = {"HOME": "/nonexistent", "DOCKER_AUTH_CONFIG": json.dumps(document)}
        with refused(r"answers 400 to \w+ .* \(DENIED: alice \*\*\* \*\*\*\)$", "", secret, encoded):
            pull(access(environment), proxy.host, "app:v1")
        assert [record for record in proxy.records if "Authorization" in record.headers] == []


NAMED = "alice:hush-0815@registry.invalid/app:v1{}"
DIGEST = f"@sha256:{'0' * 64}"


@pytest.mark.parametrize("name", [NAMED.format(""), NAMED.format(DIGEST), f"https://{NAMED.format('')}"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "NAME"), ("inspect", "docker://NAME"), ("inspect", "docker-daemon:NAME"),
        ("push", "oci:x", "NAME"), ("push", "NAME", "registry.invalid/app"),
        ("image", "--tp", "8", "--base", "NAME", "-o", "oci:x"),
        ("image", "--tp", "8", "--base", "dir:x", "-t", "NAME", "--push"),
        ("image", "--tp", "8", "--base", "dir:x", "-o", "docker://NAME"),
        ("image", "--tp", "8", "--base", "dir:x", "-o", "docker-archive:x.tar:NAME"),
        ("image", "--tp", "8", "--set", "base.image=NAME", "--dry-run"),
        ("image", "--tp", "8", "--recipe", "RECIPE", "--dry-run"),
        ("recipe", "show", "--tp", "8", "--recipe", "RECIPE"),
        ("render", "--tp", "8", "--base", "NAME", "-o", "x"),
        ("patch", "status", "--source", "docker://NAME"),
    ],
)  # fmt: skip
def test_a_password_in_a_name_is_not_repeated(arguments: tuple[str, ...], name: str, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(f"extends: minimax-m2\nbase:\n  image: '{name}'\n")
    words = [word.replace("NAME", name).replace("RECIPE", str(recipe)) for word in arguments]
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(["--debug", *words])
    assert code == 2
    assert "holds a user name or a password" in err.getvalue()
    assert "hush-0815" not in out.getvalue() + err.getvalue()
    assert "alice" not in err.getvalue()


def test_a_digest_in_a_name_is_not_taken_for_a_password() -> None:
    assert parse_reference(f"registry.invalid/app:v1{DIGEST}").digest == DIGEST[1:]
    assert without_user(f"registry.invalid/app{DIGEST}") == f"registry.invalid/app{DIGEST}"
    assert without_user("app@sha256:short") == "app@sha256:short"
    assert without_user(f"a:b@c@localhost:5000/app{DIGEST}") == f"***@localhost:5000/app{DIGEST}"


def test_secrets_that_a_registry_repeats_are_hidden(host: str, tmp_path: Path) -> None:
    with fault_proxy(host) as proxy:
        user = access(logged_in(tmp_path / "docker", proxy.host))
        errors = [{"code": "DENIED", "message": f"{USER} {PASSWORD} Basic {user_header(user)}"}]
        proxy.rules = [Rule("POST", status=403, body=json.dumps({"errors": errors}).encode())]
        words = rf"cannot be written with the user's credentials \(DENIED: {USER} \*\*\* Basic \*\*\*\)"
        with refused(words, "check the account", PASSWORD, user_header(user)):
            push(user, proxy.host, "app:v1")
