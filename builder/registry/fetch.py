"""A document of a web server: a GET that follows redirects, with a secret that stays with its host."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urldefrag, urljoin

from m2build.errors import TransportError
from m2build.registry.connections import host_of, origin
from m2build.registry.messages import Answer, Request
from m2build.registry.transport import Transport

_REDIRECTED = frozenset({301, 302, 303, 307, 308})
_HOPS = 5


def fetched(
    transport: Transport, url: str, *, headers: Mapping[str, str], private: Mapping[str, str], largest: int
) -> Answer:
    """The answer at the end of all redirects, with its body.

    Args:
        transport: sends the requests.
        url: absolute.
        headers: sent with every request.
        private: headers that are sent only to the scheme, host and port of `url`.
        largest: refuse an answer of more bytes than this.

    Raises:
        TransportError: there is no answer, or redirects lead in a loop, to a malformed address, or away from TLS.
    """
    first = origin(url)
    for _ in range(_HOPS):
        own = private if origin(url) == first else {}
        answer = transport.send(Request("GET", url, {**headers, **own}, largest=largest))
        location = answer.header("Location")
        if answer.status not in _REDIRECTED or not location:
            return answer
        before = url
        try:
            url = urldefrag(urljoin(url, location)).url
            scheme = origin(url)[0]
        except ValueError as error:
            raise TransportError(f"{host_of(before)} redirects to a malformed address") from error
        if scheme not in ("http", "https"):
            raise TransportError(f"{host_of(before)} redirects to an address that is neither http nor https")
        if origin(before)[0] == "https" and scheme != "https" and not transport.insecure:
            raise TransportError(f"{host_of(before)} redirects to {host_of(url)} without TLS")
    raise TransportError(f"{host_of(url)}: redirect loop")
