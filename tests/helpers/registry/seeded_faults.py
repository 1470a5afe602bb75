"""Seeded faults between a client and a registry: what networks and proxies do to a request or its answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from helpers.registry.faultproxy import FOREVER, Rule

STATUSES = (
    200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 416, 418, 425, 429, 451, 499,
    500, 501, 502, 503, 504, 507, 522, 599,
)  # fmt: skip
LENGTHS = ("0", "1", "7", "99999999", "-1", "-0", "+5", "1e3", "99999999999999999999", "5, 6", "", " ")
RETRY_AFTER = ("0", "1", "soon", "-5", "1e9", "Fri, 31 Dec 1999 23:59:59 GMT", "Sun, 31 Dec 2099 23:59:59 GMT", "3600")
CHALLENGES = (
    'Basic realm="x"', 'Bearer realm="{here}/token"', "Bearer", "Negotiate", 'Digest realm="x"', ",,,=", "",
    'Bearer realm="ftp://{here}/"', 'Bearer realm="http://registry.invalid/token"',
)  # fmt: skip
GARBAGE = (
    b"", b"\0" * 64, b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/9.9 200 OK\r\n\r\n",
    b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", b"SSH-2.0-OpenSSH\r\n", b"<html>",
    b"\x15\x03\x01\x00\x02",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", b"HTTP/1.1 201 Created\r\n\r\n",
)  # fmt: skip


def altered(where: float, how: int) -> Callable[[bytes], bytes]:
    """A body with one byte altered."""

    def change(body: bytes) -> bytes:
        at = min(int(where * len(body)), len(body) - 1)
        return body[:at] + bytes([body[at] ^ how]) + body[at + 1 :] if body else body

    return change


def shortened(where: float) -> Callable[[bytes], bytes]:
    """The beginning of a body, sent as if it were complete."""
    return lambda body: body[: int(where * len(body))]


class Faults:
    """Draws faults for one case."""

    def __init__(self, seed: int, here: str, elsewhere: str) -> None:
        """Prepare.

        Args:
            seed: the seed of the random faults.
            here: the host of the proxy.
            elsewhere: a host that must not learn a secret.
        """
        self.random = random.Random(seed)  # noqa: S311 - hides nothing
        self.here = here
        self.elsewhere = elsewhere

    def rules(self, requests: Sequence[tuple[str, str]]) -> list[Rule]:
        """One fault, or two, each at a kind of request."""
        return [self.rule(requests) for _ in range(self.random.choice((1, 1, 1, 2)))]

    def rule(self, requests: Sequence[tuple[str, str]]) -> Rule:
        method, path = self.random.choice(requests)
        kinds = (
            self.network, self.network, self.body, self.body, self.status, self.status, self.redirect, self.framing,
            self.digest, self.challenge, self.nothing_stored, self.nothing_stored, self.stall,
        )  # fmt: skip
        rule = self.random.choice(kinds)()
        rule.method, rule.path = method, path
        rule.skip = self.random.choice((0, 0, 0, 1, 2))
        rule.times = self.random.choice((1, 1, 2, 4, FOREVER))
        return rule

    def network(self) -> Rule:
        size = self.random.choice((0, 1, 17, 100, 1000, 70_000, 200_000))
        return self.random.choice(
            (Rule(drop=True), Rule(lose=True), Rule(cut_request=size), Rule(cut_response=size), Rule(twice=True),
             Rule(delay=0.05))
        )  # fmt: skip

    def body(self) -> Rule:
        where, how = self.random.random(), self.random.randrange(1, 256)
        return self.random.choice(
            (Rule(change=altered(where, how)), Rule(change=shortened(where)), Rule(change=lambda body: body + b"\0"),
             Rule(change=lambda _: b"<html>sign in</html>"), Rule(change_request=altered(where, how)))
        )  # fmt: skip

    def status(self) -> Rule:
        headers = {"Retry-After": self.random.choice(RETRY_AFTER)} if self.random.random() < 0.3 else {}
        body = self.random.choice((b"", b'{"errors":[{"code":"DENIED","message":"s3cret:with/colon"}]}', b"[" * 5000))
        return Rule(status=self.random.choice(STATUSES), headers=headers, body=body)

    def redirect(self) -> Rule:
        location = self.random.choice(
            ("/v2/", "", "/v2/app/blobs/uploads/", f"http://{self.elsewhere}/v2/app/blobs/uploads/", "http://[",
             f"//{self.elsewhere}/x", f"http://user:pass@{self.elsewhere}/v2/app/manifests/v1", "http://127.0.0.1:1/x",
             "ftp://127.0.0.1/x", "x" * 9000, "?")
        )  # fmt: skip
        return Rule(status=self.random.choice((301, 302, 303, 307, 308)), headers={"Location": location})

    def framing(self) -> Rule:
        if self.random.random() < 0.5:
            return Rule(headers={"Content-Length": self.random.choice(LENGTHS)})
        return Rule(raw=self.random.choice(GARBAGE))

    def digest(self) -> Rule:
        value = self.random.choice((f"sha256:{'0' * 64}", "sha256:short", "md5:0", "", f"sha512:{'1' * 128}"))
        return Rule(headers={"Docker-Content-Digest": value})

    def challenge(self) -> Rule:
        challenge = self.random.choice(CHALLENGES).format(here=f"http://{self.here}")
        return Rule(status=401, headers={"WWW-Authenticate": challenge})

    def nothing_stored(self) -> Rule:
        """A confirmation from a proxy that has not forwarded the request."""
        location = self.random.choice(("/v2/app/blobs/uploads/gone", f"http://{self.elsewhere}/up", "/"))
        return Rule(status=self.random.choice((200, 201, 201, 202, 204)), headers={"Location": location})

    def stall(self) -> Rule:
        raw = b"HTTP/1.1 200 OK\r\nX-Slow: 1\r\nContent-Length: 5000\r\n\r\n" + b" " * 5000
        return self.random.choice((Rule(raw=raw, drip=0.05), Rule(delay=0.7)))
