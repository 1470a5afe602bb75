"""Requests and answers as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

_LARGEST_REST = 64 << 10
"""What is read of an unwanted body to keep its connection."""


@dataclass(frozen=True)
class Request:
    """What is asked of a server.

    Attributes:
        method: such as `GET`.
        url: absolute.
        headers: beside those that every request has.
        body: bytes, or a stream, for which the headers have to tell the length.
        largest: read the answer's body as well, if it is not longer than so many bytes.
        patience: how many seconds beyond the usual ones its answer may take.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Iterator[bytes] | None = field(default=None, repr=False)
    largest: int | None = None
    patience: float = 0

    @property
    def once(self) -> bool:
        """Whether it cannot be sent again, since its body is a stream."""
        return self.body is not None and not isinstance(self.body, bytes)


@dataclass(frozen=True)
class Answer:
    """A response.

    Attributes:
        method: what was asked for.
        url: where it came from; a relative `Location` starts there.
        response: its headers, and its body as long as that has not been read.
        content: the whole body, if it was asked for.
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

    def start(self) -> bytes:
        """The beginning of the body, as far as it comes; the connection is given back, or closed if more follows."""
        parts, left = [], _LARGEST_REST
        try:
            while left and (data := self.response.read(left)):
                parts.append(data)
                left -= len(data)
        except (HTTPError, OSError):
            pass  # the status has been told already; its explanation may be missing
        self.response.close()
        self.response.release_conn()
        return b"".join(parts)
