"""A proxy in front of a registry that injects faults by rules, and records every request."""

from __future__ import annotations

import http.client
import io
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from helpers.registry.http_servers import QuietHandler, host_of, serving_with

FOREVER = 1 << 30


@dataclass
class Rule:
    """What happens to matching requests: the first rule that matches applies.

    The first `skip` requests pass, and the rule applies to the next `times`. With `status` the proxy answers itself.
    `drop` closes the connection; with `lose` only after the registry has handled the request. `cut_request` and
    `cut_response` close it after this many bytes of a body; with `settles` once the registry has handled a cut request.
    `change` alters an answer's body, `change_request` a request's. `strip` removes a header from the request. `twice`
    forwards the request twice. `delay` waits first. `raw` is sent as the whole answer before the connection is closed;
    with `drip`, byte by byte this many seconds apart. `rate` is how many bytes a second of an answer's body are sent.
    """

    method: str = ".*"
    path: str = ".*"
    skip: int = 0
    times: int = FOREVER
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    drop: bool = False
    lose: bool = False
    cut_request: int | None = None
    settles: bool = False
    cut_response: int | None = None
    change: Callable[[bytes], bytes] | None = None
    change_request: Callable[[bytes], bytes] | None = None
    strip: str = ""
    twice: bool = False
    delay: float = 0
    raw: bytes | None = None
    drip: float = 0
    rate: int = 0

    def applies(self, method: str, path: str) -> bool:
        if not re.fullmatch(self.method, method) or not re.search(self.path, path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


@dataclass
class Record:
    """One request, in order of arrival; its status and the answer's size are recorded before the client gets them."""

    method: str
    path: str
    headers: Mapping[str, str]
    sent: int
    status: int | None = None
    answered: int = 0


@dataclass
class Proxy:
    host: str
    upstream: str
    rules: list[Rule] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def choose(self, method: str, path: str) -> Rule:
        with self.lock:
            return next((rule for rule in self.rules if rule.applies(method, path)), Rule())

    @property
    def requests(self) -> list[tuple[str, str]]:
        return [(record.method, record.path) for record in self.records]

    def seen(self, method: str, path: str = "") -> list[Record]:
        return [record for record in self.records if record.method == method and re.search(path, record.path)]


class Handler(QuietHandler):
    proxy: Proxy
    record: Record

    def setup(self) -> None:
        super().setup()
        with self.proxy.lock:
            self.proxy.connections += 1

    def handle_one_request(self) -> None:
        """Answer a TLS hello as Go's servers do, or engines would not go on by HTTP."""
        if isinstance(self.rfile, io.BufferedReader) and self.rfile.peek(1)[:1] == b"\x16":
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            self.close_connection = True
        else:
            super().handle_one_request()

    def serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.record = Record(self.command, self.path, dict(self.headers.items()), length)
        with self.proxy.lock:
            self.proxy.records.append(self.record)
        rule = self.proxy.choose(self.command, self.path)
        time.sleep(rule.delay)
        if rule.drop or rule.cut_request is not None:
            self.cut(rule, length)
        elif rule.raw is not None:
            self.rfile.read(length)
            self.spell(rule.raw, rule.drip)
        elif rule.status is not None:
            self.rfile.read(length)
            self.answer(rule.status, rule.headers, rule.body, rule)
        else:
            self.forward(rule, length)

    def upstream(self, rule: Rule, length: int) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.proxy.upstream, timeout=30)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", rule.strip.lower()):
                connection.putheader(name, value)
        connection.endheaders()
        while length > 0 and (data := self.rfile.read(min(length, 1 << 16))):
            connection.send(rule.change_request(data) if rule.change_request else data)
            length -= len(data)
        return connection

    def spell(self, answer: bytes, drip: float) -> None:
        """Send raw bytes: all at once, or a few at a time until the client hangs up."""
        self.close_connection = True
        if not drip:
            self.wfile.write(answer)
            return
        for number in range(len(answer)):
            self.wfile.write(answer[number : number + 1])
            time.sleep(drip)

    def cut(self, rule: Rule, length: int) -> None:
        self.close_connection = True
        if rule.cut_request is not None and length > rule.cut_request:
            connection = self.upstream(rule, rule.cut_request)
            if rule.settles and connection.sock:
                connection.sock.shutdown(socket.SHUT_WR)
                connection.sock.recv(1)
            connection.close()

    def forward(self, rule: Rule, length: int) -> None:
        connection = self.upstream(rule, length)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if rule.twice and not length:
            again = self.upstream(rule, 0)
            again.getresponse().read()
            again.close()
        if rule.lose:
            self.close_connection = True
            return
        headers = {key: value for key, value in response.headers.items() if key.lower() != "content-length"}
        if self.command == "HEAD":
            headers["Content-Length"] = response.headers.get("Content-Length", "0")
        self.answer(response.status, headers | dict(rule.headers), rule.change(body) if rule.change else body, rule)

    def answer(self, status: int, headers: Mapping[str, str], body: bytes, rule: Rule) -> None:
        self.record.status = status
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if rule.cut_response is not None:
            body, self.close_connection = body[: rule.cut_response], True
        if self.command != "HEAD":
            self.record.answered = len(body)
            self.send(body, rule.rate)

    def send(self, body: bytes, rate: int) -> None:
        piece = 1 << 16 if rate else max(len(body), 1)
        for start in range(0, len(body), piece):
            self.wfile.write(body[start : start + piece])
            time.sleep(piece / rate if rate else 0)


@contextmanager
def fault_proxy(upstream: str, *rules: Rule) -> Iterator[Proxy]:
    """A proxy in front of `HOST:PORT`, on a port of its own."""
    proxy = Proxy("", upstream, list(rules))
    with serving_with(type("BoundHandler", (Handler,), {"proxy": proxy})) as server:
        proxy.host = host_of(server)
        yield proxy
