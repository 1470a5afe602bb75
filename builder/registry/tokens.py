"""From a registry's challenge to the value of an `Authorization` header."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin

from m2build.errors import M2BuildError, TransportError
from m2build.registry.challenge import Challenge
from m2build.registry.connections import host_of, is_loopback, origin
from m2build.registry.messages import HOPS, KEEPING, REDIRECTED, Answer, Request
from m2build.registry.transport import RETRIED, Transport

if TYPE_CHECKING:
    from m2build.registry.login import Credentials

_LARGEST_ANSWER = 1 << 20


@dataclass(frozen=True)
class Scopes:
    """The scopes of tokens, such as `repository:NAME:pull,push`.

    Attributes:
        needed: required.
        optional: left out at the second try: some servers refuse the whole token if the user lacks one scope.
    """

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def covers(self, scope: str) -> bool:
        """Whether a token with all of them includes this one."""
        name, _, actions = scope.rpartition(":")
        return any(
            own.rpartition(":")[0] == name and set(actions.split(",")) <= set(own.rpartition(":")[2].split(","))
            for own in (*self.needed, *self.optional)
        )


class Authorizer:
    """Answers challenges for one set of scopes. Thread-safe."""

    def __init__(
        self, registry: str, scopes: Scopes, find: Callable[[], Credentials | None], transport: Transport
    ) -> None:
        """Prepare.

        Args:
            registry: its name in messages.
            scopes: the scopes of every token.
            find: finds the user's credentials; called only when a registry asks for them, as a helper may take seconds.
            transport: the connections to the token server.
        """
        self._registry = registry
        self._scopes = scopes
        self._find = find
        self._transport = transport
        self._lock = threading.Lock()
        self.header: str | None = None

    @cached_property
    def _credentials(self) -> Credentials | None:
        found = self._find()
        if found is not None:
            self._transport.secrets.add(*found.secrets)
        return found

    def answer(self, challenges: list[Challenge], *, refused: str | None) -> bool:
        """Find the header that answers a challenge; False if there is no other than the refused one.

        Args:
            challenges: what the registry asks for.
            refused: the header that it has just refused, or None.

        Raises:
            TransportError: the token server does not give a token.
        """
        with self._lock:
            if self.header != refused:
                return True
            for challenge in challenges:
                header = self._for(challenge)
                if header is not None and header != refused:
                    self.header = header
                    return True
            return False

    def denied(self, what: str, said: str) -> TransportError:
        """The error for missing or insufficient credentials."""
        login = f"`docker login {self._registry}`, or `skopeo login {self._registry}` with REGISTRY_AUTH_FILE set"
        if self._credentials is None:
            return TransportError(f"{what} without credentials{said}", hint=f"log in: {login}")
        return TransportError(
            f"{what} with the user's credentials{said}",
            hint=f"check the account's permissions in the repository, or log in again: {login}",
        )

    def redacted(self, text: str) -> str:
        """A server's message without our secrets; it may repeat even those of an earlier command."""
        try:
            _ = self._credentials
        except M2BuildError:
            return ""
        return self._transport.secrets.hidden(text)

    def _for(self, challenge: Challenge) -> str | None:
        known = self._credentials
        if challenge.scheme == "bearer":
            # A token for the registry itself cannot be exchanged for another one.
            return f"Bearer {known.registry_token if known and known.registry_token else self._token(challenge)}"
        return known.basic if challenge.scheme == "basic" and known and known.is_password else None

    def _token(self, challenge: Challenge) -> str:
        """A token (distribution project, token.md and oauth.md)."""
        realm = challenge.parameters.get("realm", "")
        server = self._trusted(realm)
        answer = self._ask(realm, challenge)
        if answer.status in (400, 401, 403) and self._scopes.optional:
            self._scopes = replace(self._scopes, optional=())
            answer = self._ask(realm, challenge)
        if answer.status in (400, 401, 403):
            raise self.denied(f"{server} issues no token for {self._registry}", "")
        token = _token_in(answer.content) if 200 <= answer.status < 300 else None
        if token is None:
            raise TransportError(
                f"{server} issues no token for {self._registry}: it answers {answer.status}",
                hint="try again later" if answer.status in RETRIED else "ask the operators of the registry",
            )
        self._transport.secrets.add(token)
        return token

    def _ask(self, realm: str, challenge: Challenge) -> Answer:
        known, scopes = self._credentials, self._all_scopes(challenge)
        wanted = [("service", service)] if (service := challenge.parameters.get("service")) else []
        headers, body = {}, None
        if known and known.identity_token:
            method, url = "POST", realm
            wanted += [("grant_type", "refresh_token"), ("client_id", "m2build"), ("scope", " ".join(scopes))]
            body = urlencode([*wanted, ("refresh_token", known.identity_token)]).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            wanted += [("scope", scope) for scope in scopes]
            method, url = "GET", f"{realm}{'&' if '?' in realm else '?'}{urlencode(wanted)}"
            if known:
                headers["Authorization"] = known.basic
        return self._followed(Request(method, url, headers, body, _LARGEST_ANSWER))

    def _followed(self, request: Request) -> Answer:
        """A token server's answer, after its redirects."""
        answer = self._transport.send(request)
        for _ in range(HOPS):
            onward = self._onward(request, answer)
            if onward is None:
                break
            request, answer = onward, self._transport.send(onward)
        return answer

    def _onward(self, request: Request, answer: Answer) -> Request | None:
        """The request after a redirect, or None. Another server gets neither a password nor a refresh token."""
        location = answer.header("Location")
        if answer.status not in (REDIRECTED if request.body is None else KEEPING) or not location:
            return None
        try:
            url = urljoin(request.url, location)
        except ValueError:
            return None
        self._trusted(url)
        if origin(url) == origin(request.url):
            return replace(request, url=url)
        return replace(request, url=url, headers={}) if request.body is None else None

    def _trusted(self, realm: str) -> str:
        """The host of a token server; one that would get a password in clear text is refused."""
        try:
            scheme, host, _ = origin(realm)
        except ValueError:
            scheme, host = "", ""
        if scheme not in ("http", "https") or not host:
            raise TransportError(
                f"{self._registry} asks for a token, but names no token server",
                hint="ask the operators of the registry",
            )
        if scheme != "https" and not is_loopback(host) and not self._transport.insecure:
            raise TransportError(
                f"{self._registry} names the token server {host_of(realm)}, which has no TLS",
                hint="ask the operators of the registry; --insecure allows it",
            )
        return host_of(realm)

    def _all_scopes(self, challenge: Challenge) -> list[str]:
        """Our scopes, and those of this challenge: one token for everything saves round trips."""
        ours, asked = self._scopes, challenge.parameters.get("scope", "").split(" ")
        further = (scope for scope in asked if scope and not ours.covers(scope))
        return list(dict.fromkeys([*ours.needed, *ours.optional, *further]))


def _token_in(answer: bytes) -> str | None:
    """The token in a token server's answer; None if there is none, or it is not valid in a header."""
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    found = [document.get("token"), document.get("access_token")] if isinstance(document, dict) else []
    return next((text for text in found if isinstance(text, str) and re.fullmatch(r"[\x21-\x7e]+", text)), None)
