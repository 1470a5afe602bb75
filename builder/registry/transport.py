"""HTTP with timeouts and retries, and its failures as error messages: what the rest of this room is built on."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError

from m2build import __version__
from m2build.errors import TransportError, UsageError
from m2build.registry.connections import Connections, host_of
from m2build.registry.failures import NO_CONTACT, PATIENCE, is_stalled, no_answer
from m2build.registry.messages import Answer, Request
from m2build.registry.secrets import Secrets

_CONNECT_SECONDS = 20
_SECONDS = 60
"""How long a server may stall: before its answer, while it accepts a request, or within a body."""
_LONGEST = 7 * 24 * 3600
"""Seconds, the longest timeout that may be set; a socket takes no more than some 68 years."""
_TRIES = 4
STALLS = 2
"""How many tries may end because a server stalled: each of them takes long."""
RETRIED = frozenset({408, 429, 499, 500, 502, 503, 504, 522})
"""Statuses of temporary failures (go-containerregistry retries the same)."""
_LONGEST_PAUSE = 30.0
_NOTICES = 20
"""How many different warnings to pass on: a registry may put the time into each."""
_JITTER = random.SystemRandom()
"""A source of its own: the program that uses m2build may have seeded the shared one, and count on it."""


class Transport:
    """Requests to any host, for a whole command. Thread-safe.

    Attributes:
        insecure: whether to accept any certificate, and plain HTTP beyond loopback.
        secrets: what must not appear in messages.
        seconds: how long a server may stall.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        insecure: bool = False,
        sleep: Callable[[float], object] = time.sleep,
        notice: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Prepare.

        Args:
            environment: where to look for proxies, certificates and M2BUILD_REGISTRY_TIMEOUT.
            insecure: whether to accept any certificate, and plain HTTP beyond loopback.
            sleep: waits so many seconds before the next try.
            notice: receives what registries warn of.

        Raises:
            UsageError: M2BUILD_REGISTRY_TIMEOUT is not a valid number of seconds.
        """
        self.insecure = insecure
        self.secrets = Secrets()
        self.seconds = _patience(environment)
        self._connections = Connections(environment, self.secrets, self.seconds, insecure=insecure)
        self._sleep = sleep
        self._notice = notice
        self._noticed: set[str] = set()
        self._answered: set[str] = set()

    def send(self, request: Request, *, retried: bool = True) -> Answer:
        """Send a request, and again after a temporary failure, unless its body is a stream.

        A host that has answered before is also tried again if it cannot be reached: registries are restarted.

        Raises:
            TransportError: there is no answer (then the error has a cause), or it is too long.
        """
        host, stalls = host_of(request.url), 0
        for attempt in range(1, _TRIES + 1):
            last = attempt == _TRIES or request.once or not retried
            try:
                answer = self._once(request)
            except LocationValueError:
                break  # raised below: this exception shows the whole URL
            except (HTTPError, OSError) as error:
                stalls += is_stalled(error)
                is_first_contact = isinstance(error, NO_CONTACT) and host not in self._answered
                if last or is_first_contact or stalls == STALLS:
                    self.fail(host, error, self.seconds + request.patience)
                self.pause(attempt)
                continue
            self._answered.add(host)
            if last or answer.status not in RETRIED or _retry_after(answer) > _LONGEST_PAUSE:
                return answer
            answer.start()
            self.pause(attempt, answer)
        raise TransportError(f"{host} cannot be reached: its address is malformed")

    def close(self) -> None:
        """Close the connections that wait for another request; the next request opens a new one."""
        self._connections.close()

    def notify(self, sentence: str) -> None:
        """Tell the user something, unless it has been told already."""
        if sentence not in self._noticed and len(self._noticed) < _NOTICES:
            self._noticed.add(sentence)
            self._notice(sentence)

    def pause(self, attempt: int, answer: Answer | None = None) -> None:
        """Wait before another try: longer each time, and as long as the answer asks for (RFC 9110, section 10.2.3)."""
        seconds = 0.25 * 2**attempt * _JITTER.uniform(0.5, 1.0)
        self._sleep(min(max(seconds, _retry_after(answer) if answer else 0), _LONGEST_PAUSE))

    def fail(self, host: str, error: Exception, seconds: float) -> NoReturn:
        """Raise the error for a failure, with its cause unless a traceback of that would show a secret."""
        cause = error if self.secrets.absent_from(error) else OSError(type(error).__name__)
        problem = no_answer(host, error, seconds)
        raise TransportError(self.secrets.hidden(str(problem)), hint=problem.hint) from cause

    def _once(self, request: Request) -> Answer:
        response = self._connections.to(request.url).request(
            request.method, request.url, body=request.body,
            headers={"User-Agent": f"m2build/{__version__}", **request.headers},
            timeout=urllib3.Timeout(connect=min(_CONNECT_SECONDS, self.seconds), read=self.seconds + request.patience),
            preload_content=False, decode_content=False, redirect=False, retries=False,
        )  # fmt: skip
        answer = Answer(request.method, request.url, response)
        if request.largest is None:
            return answer
        content, length = bytearray(), response.length_remaining
        while length is None or length <= request.largest:
            data = response.read(1 << 16, decode_content=answer.is_packed)
            content += data
            if not data:
                return replace(answer, content=bytes(content))
            if len(content) > request.largest:
                break
        response.close()
        raise TransportError(
            f"{host_of(request.url)} answers with more than {request.largest} bytes",
            hint="check the name: nothing that m2build asks for there is so large",
        )


def _retry_after(answer: Answer) -> float:
    """Seconds; a date is compared with the server's own clock, if it sends one."""
    text = answer.header("Retry-After") or ""
    if text.isascii() and text.isdecimal():
        return float(text)
    until, now = _moment(text), _moment(answer.header("Date") or "") or datetime.now(UTC)
    return max((until - now).total_seconds(), 0) if until else 0


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _patience(environment: Mapping[str, str]) -> float:
    text = environment.get(PATIENCE) or str(_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not (math.isfinite(seconds) and 0 < seconds <= _LONGEST):
        raise UsageError(
            f"{PATIENCE} is {text!r}, not a valid number of seconds", hint="write a positive number, such as 120"
        )
    return seconds
