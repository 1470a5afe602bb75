"""HTTP requests and answers as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

HOPS = 5
"""Redirects that are followed, one after the other."""
REDIRECTED = (301, 302, 303, 307, 308)
KEEPING = (307, 308)
"""Redirects that keep method and body (RFC 9110, sections 15.4.8 and 15.4.9)."""
_LARGEST_REST = 64 << 10
"""Bytes to read of an unwanted body, so that its connection can be reused."""


@dataclass(frozen=True)
class Request:
    """A request to a server.

    Attributes:
        method: such as `GET`.
        url: absolute.
        headers: those besides the ones that every request has.
        body: bytes, or a stream whose length is in the headers.
        largest: read the answer's body as well, and refuse one of more bytes than this.
        patience: seconds that the answer may take beyond the usual timeout.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Iterator[bytes] | None = field(default=None, repr=False)
    largest: int | None = None
    patience: float = 0

    @property
    def once(self) -> bool:
        """Whether it can be sent only once, because its body is a stream."""
        return self.body is not None and not isinstance(self.body, bytes)


@dataclass(frozen=True)
class Answer:
    """A response.

    Attributes:
        method: the request's method.
        url: where it came from; a relative `Location` is relative to this.
        response: its headers, and its body until that has been read.
        content: the whole body, if the request has a `largest`.
    """

    method: str
    url: str
    response: BaseHTTPResponse
    content: bytes = b""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    def header(self, name: str) -> str | None:
        """A header's value."""
        return self.response.headers.get(name)

    @property
    def is_packed(self) -> bool:
        """Whether the body is compressed on its way, which is never asked for; some proxies do it anyway."""
        return (self.header("Content-Encoding") or "").strip().lower() in ("gzip", "x-gzip")

    def start(self) -> bytes:
        """Read the beginning of the body; the connection returns to its pool, or is closed if more follows."""
        parts, left = [], _LARGEST_REST
        try:
            while left and (data := self.response.read(left)):
                parts.append(data)
                left -= len(data)
        except (HTTPError, OSError):
            pass  # the status is enough; its explanation may be missing
        self.response.close()
        self.response.release_conn()
        return b"".join(parts)
