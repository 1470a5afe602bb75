"""Requests to one repository: authorization, redirects, and refusals as error messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urldefrag, urljoin

from m2build.errors import TransportError
from m2build.local.printable import printable
from m2build.registry.challenge import parse_challenges
from m2build.registry.connections import host_of, origin
from m2build.registry.messages import HOPS, KEEPING, REDIRECTED, Answer, Request
from m2build.registry.tokens import Authorizer
from m2build.registry.transport import Transport

ASK_OPERATORS = "ask the operators of the registry, or of a proxy in front of it"
"""The hint where the user's own set-up is not at fault."""
_WARNING = re.compile(r'(?:^|, *)299 [^ ]+ "((?:[^"\\]|\\.)*)"')
_BLOB_UNKNOWN = "MANIFEST_BLOB_UNKNOWN"
"""The code for a manifest that names a blob which the registry does not find."""
_IMMUTABLE = "the tag names another image and cannot move there: choose another tag"
"""The hint for a tag that may not move; Amazon's, Google's and Harbor's registries use the word, and not one status."""
_MOST_WORDS = 4096
"""Characters of a registry's words to look at."""
_CHALLENGES = 2
"""How many challenges to answer per request: another thread's new token may have expired already."""


class Client:
    """Requests to one repository; used from several threads."""

    def __init__(self, registry: str, repository: str, api: str, authorizer: Authorizer, transport: Transport) -> None:
        """Prepare; nothing is sent yet.

        Args:
            registry: its name: host and port, or `docker.io`.
            repository: the path in the registry.
            api: the URL of its API, such as `https://ghcr.io/v2/`.
            authorizer: answers its challenges.
            transport: the connections.
        """
        self.registry = registry
        self.repository = repository
        self.name = f"{registry}/{repository}"
        self.transport = transport
        self._authorizer = authorizer
        self._api = f"{api}{repository}/"

    def send(
        self,
        method: str,
        path: str,
        *,
        expected: Iterable[int],
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterator[bytes] | None = None,
        largest: int | None = None,
        patience: float = 0,
    ) -> Answer:
        """Send a request, and follow redirects.

        Args:
            method: such as `GET`.
            path: below the repository, such as `manifests/TAG`; or an absolute URL, as from a `Location`.
            expected: the statuses to return, 404 perhaps among them; any other raises.
            headers: those besides `Authorization`.
            body: bytes, or a stream whose length is in the headers. A stream is sent once: no retry, no answer to a
                challenge, no redirect.
            largest: read the body as well, and refuse one of more bytes than this.
            patience: seconds that the answer may take beyond the usual timeout.

        Raises:
            TransportError: there is no answer (then the error has a cause), or the registry refuses.
        """
        expected = frozenset(expected)
        request = Request(method, self._resolve(self._api, path), headers or {}, body, largest, patience)
        followed = REDIRECTED if method in ("GET", "HEAD") else KEEPING
        for _ in range(HOPS):
            answer = self._authorized(request)
            self._pass_on_warnings(answer)
            if answer.status in expected:
                return answer
            location = answer.header("Location")
            if answer.status not in followed or not location or request.once:
                raise self._refusal(method, path, answer)
            answer.start()
            request = replace(request, url=self._resolve(request.url, location))
        raise TransportError(f"{self.registry}: redirect loop for {path}", hint=ASK_OPERATORS)

    def upload_url(self, answer: Answer) -> str:
        """The URL that continues an upload, its query as the registry sent it.

        A `Location` may be relative or on another host. After a PATCH it may be missing: the upload then continues at
        the same URL, as docker does it.

        Raises:
            TransportError: there is none.
        """
        location = answer.header("Location") or (answer.url if answer.method == "PATCH" else None)
        if not location:
            raise TransportError(f"{self.registry} sends no Location for an upload", hint=ASK_OPERATORS)
        return self._resolve(answer.url, location)

    def _pass_on_warnings(self, answer: Answer) -> None:
        """Tell the user what the registry itself warns of (distribution specification, warnings), each once."""
        if origin(answer.url) == origin(self._api):
            for text in _WARNING.findall(answer.header("Warning") or ""):
                self.transport.notify(f"{self.registry} warns: {self._one_line(text)}")

    def _one_line(self, text: str) -> str:
        """A registry's words on one line, without secrets."""
        words = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", self._authorizer.redacted(text)[:_MOST_WORDS])
        return printable(words)[:300].strip(" :")

    def _resolve(self, base: str, location: str) -> str:
        """The absolute form of a URL from a registry; a step from TLS to plain HTTP is refused."""
        try:
            url = urldefrag(urljoin(base, location)).url
            scheme, _, _ = origin(url)
        except ValueError as error:
            raise TransportError(f"{self.registry} sends a malformed Location", hint=ASK_OPERATORS) from error
        if scheme not in ("http", "https"):
            raise TransportError(f"{self.registry} sends a Location of another scheme than HTTP's", hint=ASK_OPERATORS)
        if self._api.startswith("https:") and scheme != "https" and not self.transport.insecure:
            raise TransportError(
                f"{self.registry} redirects to {host_of(url)} without TLS",
                hint=f"{ASK_OPERATORS}; --insecure allows it",
            )
        return url

    def _authorized(self, request: Request) -> Answer:
        """Send a request, and again after a challenge. Other hosts get no credentials."""
        if origin(request.url) != origin(self._api):
            return self.transport.send(request)
        for _ in range(_CHALLENGES):
            header = self._authorizer.header
            answer = self._send_with(header, request)
            if answer.status != 401 or request.once:
                return answer
            answer = replace(answer, content=answer.content or answer.start())
            challenges = parse_challenges(answer.header("WWW-Authenticate") or "")
            if not self._authorizer.answer(challenges, refused=header):
                return answer
        return self._send_with(self._authorizer.header, request)

    def _send_with(self, header: str | None, request: Request) -> Answer:
        authorization = {"Authorization": header} if header else {}
        return self.transport.send(replace(request, headers={**request.headers, **authorization}))

    def _refusal(self, method: str, path: str, answer: Answer) -> TransportError:
        said = self._said(answer.content or answer.start())
        if origin(answer.url) != origin(self._api):
            return TransportError(
                f"{host_of(answer.url)}, to which {self.registry} redirects, answers {answer.status}",
                hint=ASK_OPERATORS,
            )
        is_reading = method in ("GET", "HEAD")
        is_immutable = "immutable" in said.lower()
        if answer.status in (401, 403) and not is_immutable:
            return self._authorizer.denied(f"{self.name} cannot be {'read' if is_reading else 'written'}", said)
        what = "an upload" if "://" in path else self._one_line(path.partition("?")[0])
        if answer.status in (301, 302, 303) and not is_reading:
            return TransportError(
                f"{self.name}: {method} {what} is redirected with {answer.status}, which would turn it into a GET",
                hint=f"{ASK_OPERATORS}: 307 and 308 keep the method; or use a name or scheme that is not redirected",
            )
        message = f"{self.name}: the registry answers {answer.status} to {method} {what}{said}"
        hint = _IMMUTABLE if is_immutable else _hint(answer.status)
        return TransportError(message, hint=hint, is_missing=_BLOB_UNKNOWN in said)

    def _said(self, answer: bytes) -> str:
        """The registry's own error message (distribution specification, error codes), on one line, without secrets."""
        try:
            errors = [f"{error['code']}: {error.get('message', '')}" for error in json.loads(answer)["errors"]]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return ""
        text = self._one_line("; ".join(errors))
        return f" ({text})" if text else ""


def _hint(status: int) -> str:
    """The next step after a refusal that is not about credentials."""
    if status == 404:
        return "check the name; in some registries a repository must be created first"
    return "try again later" if status == 429 or status >= 500 else ASK_OPERATORS
