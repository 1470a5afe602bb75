"""HTTP with time limits and retries, and its failures as sentences. Everything else here sits on this."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import NoReturn

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from m2build import __version__
from m2build.errors import TransportError
from m2build.registry.connections import Connections, host_of
from m2build.registry.messages import Answer, Request

_CONNECT_SECONDS = 20
"""Also how long a registry may stop taking the bytes of an upload."""
_TRIES = 4
RETRIED = frozenset({408, 429, 499, 500, 502, 503, 504, 522})
"""Statuses that may pass (go-containerregistry retries the same)."""
_FINAL = (NewConnectionError, ConnectTimeoutError, SSLError, ProxyError, LocationValueError)
"""Failures that another try will not mend."""
_LONGEST_PAUSE = 30.0


class Transport:
    """Requests to any host; one for a whole command, used from several threads."""

    def __init__(
        self, environment: Mapping[str, str], *, insecure: bool = False, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        """Prepare.

        Args:
            environment: where `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` and `SSL_CERT_FILE` are looked for.
            insecure: whether certificates go unchecked, and plain HTTP may leave the loopback range.
            sleep: waits so many seconds before the next try.
        """
        self.insecure = insecure
        self._connections = Connections(environment, insecure=insecure)
        self._sleep = sleep

    def send(self, request: Request, *, retried: bool = True) -> Answer:
        """Send a request, again after a failure that may pass, unless its body is a stream.

        Raises:
            TransportError: there is no answer, which is told by its cause, or it is too long.
        """
        for attempt in range(1, _TRIES + 1):
            last = attempt == _TRIES or request.once or not retried
            try:
                answer = self._once(request)
            except (HTTPError, OSError) as error:
                if last or isinstance(error, _FINAL):
                    _fail(host_of(request.url), error)
                self.pause(attempt)
                continue
            if last or answer.status not in RETRIED or _retry_after(answer) > _LONGEST_PAUSE:
                return answer
            answer.start()
            self.pause(attempt, answer)
        raise AssertionError("the last try returns or raises")

    def pause(self, attempt: int, answer: Answer | None = None) -> None:
        """Wait before another try: longer each time, and as long as the answer asks for (RFC 9110, section 10.2.3)."""
        seconds = 0.25 * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, hides nothing
        self._sleep(min(max(seconds, _retry_after(answer) if answer else 0), _LONGEST_PAUSE))

    def _once(self, request: Request) -> Answer:
        response = self._connections.to(request.url).request(
            request.method, request.url, body=request.body,
            headers={"User-Agent": f"m2build/{__version__}", **request.headers},
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=request.seconds),
            preload_content=False, decode_content=False, redirect=False, retries=False,
        )  # fmt: skip
        if request.largest is None:
            return Answer(request.url, response)
        content = bytearray()
        while data := response.read(1 << 16):
            content += data
            if len(content) > request.largest:
                response.close()
                raise TransportError(
                    f"{host_of(request.url)} answers with more than {request.largest} bytes",
                    hint="check the name: this is no manifest and no token",
                )
        return Answer(request.url, response, bytes(content))


def _retry_after(answer: Answer) -> float:
    """Seconds; the other form of the header, a date, is left aside."""
    text = answer.header("Retry-After") or ""
    return float(text) if text.isdecimal() else 0


def _fail(host: str, error: Exception) -> NoReturn:
    """Say what went wrong, without the address, which may hold secrets in its query."""
    hint = "check the name, the network, and HTTPS_PROXY and NO_PROXY"
    match error:
        case ProxyError():
            message = f"{host} cannot be reached through the proxy: {_reason(error)}"
        case NameResolutionError():
            message = f"{host} cannot be found: its name does not resolve"
        case SSLError():
            message = f"{host} cannot be trusted, or does not speak TLS: {_reason(error)}"
            hint = "name its certificate authority in SSL_CERT_FILE, or use --insecure for a registry that you trust"
        case NewConnectionError() | ConnectTimeoutError():
            message = f"{host} cannot be reached: {_reason(error)}"
        case _:
            message = f"{host} does not answer: {_reason(error)}"
    raise TransportError(message, hint=hint) from error


def _reason(error: BaseException) -> str:
    """The reason at the bottom of a chain of exceptions."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    text = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
    return str(text or type(error).__name__)
