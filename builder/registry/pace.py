"""Connections with a minimum pace, at which a server has to accept and send bytes.

A socket's timeout restarts with every byte, so a server that sends one byte a second could block us forever. Here one
time limit covers the whole head of an answer, and the body has a minimum rate.
"""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Iterable, Mapping
from socket import socket
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import InvalidHeader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_SLOWEST = 1 << 10
"""Bytes a second, averaged over the timeout, below which a body counts as stalled: 20 GB would take eight months."""
_LARGEST_HEAD = 1 << 20
"""Bytes of a status line and headers, interim answers included; servers themselves accept a fraction of that."""


_CONTINUE = http.HTTPStatus.SWITCHING_PROTOCOLS
"""The last of the informational statuses that stand alone; one above it comes before the answer (RFC 9110, 15.2)."""


def paced_pools(seconds: float) -> Mapping[str, type[HTTPConnectionPool]]:
    """Pools, by scheme, whose connections give a server this many seconds to accept the next piece of a request.

    How long it may take to answer is set for each request.
    """

    class Plain(_Connection, HTTPConnection):
        patience = seconds

    class Secure(_Connection, HTTPSConnection):
        patience = seconds

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class _Paced(io.RawIOBase):
    """A socket's incoming bytes; only the time spent waiting for them counts."""

    def __init__(self, connection: socket, stream: io.RawIOBase) -> None:
        self._connection = connection
        self._stream = stream
        self._patience = connection.gettimeout() or 0.0
        self._left = self._patience
        self._count = 0
        self._in_body = False

    def readable(self) -> bool:
        return True

    def body_begins(self) -> None:
        self._in_body, self._left, self._count = True, self._patience, 0

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        if self._left <= 0:
            raise TimeoutError
        self._connection.settimeout(self._left)
        begun = time.monotonic()
        try:
            count: int | None = self._stream.readinto(buffer)
        finally:
            self._left -= time.monotonic() - begun
        self._count += count or 0
        if not self._in_body and self._count > _LARGEST_HEAD:
            raise http.client.LineTooLong("head")
        if self._in_body and self._count >= self._patience * _SLOWEST:
            self._left, self._count = self._patience, 0
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """A response with a minimum pace; its time limit is the socket's timeout at the start."""

    def __init__(self, sock: socket, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
        super().__init__(sock, debuglevel, method, url)
        self._paced = _Paced(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._paced)

    def begin(self) -> None:
        super().begin()
        while _CONTINUE < self.status < http.HTTPStatus.OK:  # such as 103 Early Hints: http.client skips 100 alone
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first head
            super().begin()
        # Here, not in urllib3, which would leave the answer open with its socket: http.client closes it.
        _check_length(self.headers.get_all("Content-Length", []))
        self._paced.body_begins()


def _check_length(values: Iterable[str]) -> None:
    """Check that an answer has one `Content-Length` at most, perhaps repeated.

    Raises:
        InvalidHeader: it has several, or a malformed one: its end would be a guess (RFC 9112, section 6.3).
    """
    lengths = {part.strip() for value in values for part in value.split(",")}
    if len(lengths) > 1 or not all(text.isascii() and text.isdecimal() and len(text) < 20 for text in lengths):
        raise InvalidHeader("Content-Length")


class _Connection(http.client.HTTPConnection):
    """A connection on which a server has to accept each piece of a request in time."""

    response_class = _Response
    patience: float

    def send(self, data: Any) -> None:  # noqa: ANN401 - what http.client sends has a name in typeshed only
        if self.sock is None:
            self.connect()
        self.sock.settimeout(self.patience)
        super().send(data)
