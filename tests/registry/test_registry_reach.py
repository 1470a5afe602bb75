"""Unreachable registries, proxies, and TLS."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from helpers.registry.faultproxy import Rule, fault_proxy
from helpers.registry.registries import (
    PASSWORD,
    access,
    docker_registry,
    htpasswd,
    logged_in,
    run,
    upload,
)
from helpers.registry.registry_checks import ONE, pull, push, refuses, visible
from helpers.servers import free_port

from m2build.errors import TransportError, UsageError


def test_a_refused_connection() -> None:
    host = f"127.0.0.1:{free_port()}"
    refuses(f"^{host} cannot be reached: Connection refused$", "check the name", access(), host)


def test_a_name_that_does_not_resolve() -> None:
    host = "registry.invalid"
    refuses(f"^{host} cannot be found: its name does not resolve$", "check the name", access(), host)


@pytest.mark.parametrize("proxy", ["http://[", "http://user:hush-0815@127.0.0.1:x", "gopher://127.0.0.1:70"])
def test_a_malformed_proxy(proxy: str) -> None:
    user = access({"HTTPS_PROXY": proxy, "HOME": "/nonexistent"})
    with pytest.raises(UsageError, match="HTTPS_PROXY or HTTP_PROXY is not a URL") as caught:
        pull(user, "registry.invalid", "app:v1")
    assert "hush-0815" not in visible(caught.value)


def test_a_proxy_is_used_but_never_for_loopback(tmp_path: Path) -> None:
    with fault_proxy("unused", Rule("CONNECT", status=403)) as proxy, docker_registry(tmp_path) as host:
        environment = {"HTTPS_PROXY": f"http://user:hush@{proxy.host}", "https_proxy": "", "HOME": "/nonexistent"}
        environment = {key: value for key, value in environment.items() if value}
        with pytest.raises(TransportError, match=r"registry\.invalid cannot be reached through the proxy") as caught:
            pull(access(environment), "registry.invalid", "app:v1")
        assert "hush" not in visible(caught.value).replace(proxy.host, "")
        assert proxy.requests == [("CONNECT", "registry.invalid:443")]
        assert proxy.records[0].headers["proxy-authorization"].startswith("Basic ")
        push(access(environment | {"HTTP_PROXY": f"http://{proxy.host}"}), host, "app:v1")
        spared = environment | {"NO_PROXY": ".invalid"}
        with pytest.raises(TransportError, match="does not resolve"):
            pull(access(spared), "registry.invalid", "app:v1")
        assert len(proxy.records) == 1


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority, and a certificate from it for this machine."""
    folder = tmp_path_factory.mktemp("tls")
    new = ("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    ca = (f"{folder}/ca.key", f"{folder}/ca.crt")
    run(*new, "-x509", "-keyout", ca[0], "-out", ca[1], "-subj", "/CN=test authority")
    run(
        *new, "-x509", "-CA", ca[1], "-CAkey", ca[0], "-keyout", f"{folder}/tls.key", "-out", f"{folder}/tls.crt",
        "-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1",
        "-addext", "basicConstraints=critical,CA:FALSE",
    )  # fmt: skip
    return folder


class Downgrading(BaseHTTPRequestHandler):
    """A registry with TLS whose redirects and uploads lead to plain HTTP."""

    protocol_version = "HTTP/1.1"
    location: str

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        pass

    def answer(self) -> None:
        status = {"GET": 200 if self.path == "/v2/" else 307, "HEAD": 404}.get(self.command, 202)
        self.send_response(status)
        self.send_header("Location", self.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = answer  # noqa: N815 - the base class calls them so


@contextmanager
def downgrading(certificates: Path, location: str) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Downgrading,), {"location": location}))
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # plain HTTP on this port is an error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "tls.crt", certificates / "tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def host(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tls = {"certificate": f"{certificates}/tls.crt", "key": f"{certificates}/tls.key"}
    folder = tmp_path_factory.mktemp("registry")
    with docker_registry(folder, tls=tls, auth=htpasswd(folder)) as host:
        yield host


def trusting(host: str, tmp_path: Path, **more: str) -> Mapping[str, str]:
    return {**logged_in(tmp_path / "docker", host), **more}


def test_a_named_authority_is_trusted(host: str, certificates: Path, tmp_path: Path) -> None:
    user = access(trusting(host, tmp_path, SSL_CERT_FILE=f"{certificates}/ca.crt"))
    push(user, host, "app:v1")
    assert pull(user, host, "app:v1").manifest.raw == ONE.manifest.raw


def test_an_unknown_authority_is_refused(host: str, tmp_path: Path) -> None:
    words = f"^{host} cannot be trusted, or does not speak TLS: .*(self.signed|unable to get local issuer)"
    refuses(words, "SSL_CERT_FILE or SSL_CERT_DIR, or use --insecure", access(trusting(host, tmp_path)), host, PASSWORD)


def test_insecure_accepts_any_certificate(host: str, tmp_path: Path) -> None:
    user = access(trusting(host, tmp_path), insecure=True)
    push(user, host, "insecure:v1")
    assert pull(user, host, "insecure:v1").manifest.raw == ONE.manifest.raw


def test_a_certificate_for_another_name_is_refused(host: str, certificates: Path, tmp_path: Path) -> None:
    other = host.replace("127.0.0.1", "localhost")
    user = access(trusting(other, tmp_path, SSL_CERT_FILE=f"{certificates}/ca.crt"))
    refuses("localhost.*cannot be trusted, .*Hostname mismatch", "SSL_CERT_FILE", user, other)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_without_authorities(content: bytes | None, host: str, tmp_path: Path) -> None:
    path = tmp_path / "authorities"
    if content is not None:
        path.write_bytes(content)
    os.mkfifo(tmp_path / "pipe")
    for unfit in ("/dev/zero", str(tmp_path / "pipe")):
        with pytest.raises(UsageError, match=f"SSL_CERT_FILE names {unfit}, which is not a file of certificates"):
            pull(access(trusting(host, tmp_path, SSL_CERT_FILE=unfit)), host, "app:v1")
    with pytest.raises(UsageError, match=f"SSL_CERT_FILE names {path}, which contains no certificates"):
        pull(access(trusting(host, tmp_path, SSL_CERT_FILE=str(path))), host, "app:v1")


def test_tls_is_never_downgraded_to_plain_http(certificates: Path, tmp_path: Path) -> None:
    with fault_proxy("unused") as plain, downgrading(certificates, f"http://{plain.host}/hush") as host:
        user = access(trusting(host, tmp_path, SSL_CERT_FILE=f"{certificates}/ca.crt"))
        words = f"^{host} redirects to {plain.host} without TLS$"
        refuses(words, "--insecure allows it", user, host)
        assert plain.records == []


def test_other_hosts_speak_tls_or_plain_http_only_if_insecure(tmp_path: Path) -> None:
    """`127.1` is a loopback address that is not recognised as one."""
    with docker_registry(tmp_path) as host:
        upload(host, "app", ONE, "v1")
        other = host.replace("127.0.0.1", "127.1")
        refuses("^127.1:.* does not speak TLS", "--insecure", access(), other)
        assert pull(access(insecure=True), other, "app:v1").manifest.raw == ONE.manifest.raw
