"""A token server for docker-registry (distribution project, token.md): ES256 with the certificate in `x5c`."""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from helpers.registry.registries import PASSWORD, USER, docker_registry

LEEWAY = 60
"""Seconds for which docker-registry accepts a token after it expires."""
REFRESH_TOKEN = "refresh-me-0815"


@dataclass
class TokenServer:
    """What it grants: without credentials, and with the password or the refresh token.

    `redirect` is a template for where its first address sends every request, with `{port}` and `{query}`.
    """

    registry: str = ""
    anonymous: tuple[str, ...] = ()
    known: tuple[str, ...] = ("push", "pull")
    lifetime: float = 300
    forbidden: str = "nothing"
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    answer: tuple[int, bytes] | None = None
    redirect: str = ""


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A key, and the certificate that a registry is configured to trust."""

    def __init__(self, folder: Path) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test-issuer")])
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(days=1))
        builder = builder.not_valid_after(now + dt.timedelta(days=1))
        certificate = builder.sign(self.key, hashes.SHA256())
        self.chain = [base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()]
        self.path = folder / "token.crt"
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def token(self, scopes: list[str], allowed: tuple[str, ...], lifetime: float) -> str:
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            granted = [action for action in actions.split(",") if action in allowed]
            access.append({"type": kind, "name": name, "actions": granted})
        now = time.time()
        claims = {
            "iss": "test-issuer", "sub": USER, "aud": "test-registry", "exp": int(now + lifetime),
            "nbf": int(now - 600), "iat": int(now), "jti": secrets.token_hex(8), "access": access,
        }  # fmt: skip
        header = {"typ": "JWT", "alg": "ES256", "x5c": self.chain}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        r, s = utils.decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class TokenHandler(BaseHTTPRequestHandler):
    server_state: TokenServer
    signer: Signer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        pass

    def moved(self) -> bool:
        parts, template = urlsplit(self.path), self.server_state.redirect
        if not template or parts.path != "/token":
            return False
        self.send_response(307)
        self.send_header("Location", template.format(port=self.connection.getsockname()[1], query=parts.query))
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True

    def do_GET(self) -> None:
        if self.moved():
            return
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        given = self.headers.get("Authorization")
        self.grant(parse_qs(urlsplit(self.path).query), known=given == expected, wrong=given not in (None, expected))

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.moved():
            return
        known = form.get("refresh_token") == [REFRESH_TOKEN] and form.get("grant_type") == ["refresh_token"]
        form["scope"] = form.get("scope", [""])[0].split(" ")
        self.grant(form, known=known, wrong=not known)

    def grant(self, asked: dict[str, list[str]], *, known: bool, wrong: bool) -> None:
        state = self.server_state
        state.asked.append(asked)
        if state.answer is not None:
            self.say(*state.answer)
        elif any(self.server_state.forbidden in scope for scope in asked.get("scope", [])):
            self.say(403, b"{}")
        elif wrong or asked.get("service") != ["test-registry"]:
            self.say(401, b"{}")
        else:
            allowed = state.known if known else state.anonymous
            token = self.signer.token(asked.get("scope", []), allowed, state.lifetime)
            state.tokens.append(token)
            self.say(200, json.dumps({"access_token" if self.command == "POST" else "token": token}).encode())

    def say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def token_registry(folder: Path) -> Iterator[TokenServer]:
    """A docker-registry that requires tokens, and the server that issues them."""
    signer, state = Signer(folder), TokenServer()
    handler = type("BoundHandler", (TokenHandler,), {"server_state": state, "signer": signer})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    token = {
        "realm": f"http://127.0.0.1:{server.server_address[1]}/token", "service": "test-registry",
        "issuer": "test-issuer", "rootcertbundle": str(signer.path),
    }  # fmt: skip
    try:
        with docker_registry(folder, auth={"token": token}) as host:
            state.registry = host
            yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
