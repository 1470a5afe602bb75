"""A stand-in for a host of pull requests: the paths that GitHub has, on a loopback port.

It is a stand-in, as no traffic leaves the machine; it answers as GitHub's REST API documentation says.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Forge:
    """What it answers, and what it was asked.

    Attributes:
        address: `http://127.0.0.1:PORT`.
        answers: path -> status, headers and body.
        asked: each path with the `Authorization` that came with it.
    """

    address: str = ""
    answers: dict[str, tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def has(self, diff: bytes, **about: object) -> None:
        """Let it have `owner/repo#7`."""
        self.answers["/owner/repo/pull/7.diff"] = (200, {}, diff)
        self.answers["/api/v3/repos/owner/repo/pulls/7"] = (200, {}, json.dumps(about).encode())


@contextmanager
def forge() -> Iterator[Forge]:
    """A forge that has nothing yet."""
    served = Forge()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            accept = self.headers.get("Accept", "")
            served.asked.append((self.path, self.headers.get("Authorization")))
            key = f"{self.path} diff" if accept.endswith(".diff") else self.path
            status, headers, body = served.answers.get(key, (404, {}, b"{}"))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield served
        finally:
            server.shutdown()
