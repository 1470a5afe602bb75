"""One credentials file of docker or podman, whose keys people write in many ways.

The registry's own helper (`credHelpers`) comes first, then the common store (`credsStore`), then the file's entries.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from m2build.errors import UsageError
from m2build.registry.helper import ask_helper
from m2build.registry.login import Credentials, is_text

HUB = "docker.io"
_HUB_SERVER = "https://index.docker.io/v1/"
"""What docker calls Docker Hub in its files: the URL of its first API."""
_HUB_HOSTS = frozenset({HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


@dataclass(frozen=True)
class AuthFile:
    """A parsed file.

    Attributes:
        document: its content.
        where: its name in messages.
    """

    document: Mapping[str, object]
    where: str

    def credentials(self, registry: str, repository: str, environment: Mapping[str, str]) -> Credentials | None:
        """Its credentials for a repository, or None.

        Raises:
            UsageError: an entry is malformed.
            TransportError: a credential helper is missing or fails.
        """
        server = _HUB_SERVER if registry == HUB else registry
        store = self.document.get("credsStore")
        helper = _matching(self.document.get("credHelpers"), registry, registry)
        for name in (helper, store):
            if isinstance(name, str) and name:
                found = ask_helper(name, server, environment)
                if found is not None or name is helper:
                    return found
        auths = self.document.get("auths")
        for scope in _scopes(registry, repository):
            entry = _matching(auths, scope, registry)
            if isinstance(entry, dict) and (found := _from_entry(entry, f"{self.where}: auths.{scope}")):
                return found
        return None


def _scopes(registry: str, repository: str) -> Iterator[str]:
    """The keys that may hold a repository's credentials, the most specific first (containers-auth.json(5))."""
    parts = repository.split("/")
    for length in range(len(parts), -1, -1):
        yield "/".join([registry, *parts[:length]])


def _matching(entries: object, scope: str, registry: str) -> object:
    """The entry whose key names a scope, in any spelling; an exact key wins."""
    if not isinstance(entries, dict):
        return None
    if scope in entries:
        return entries[scope]
    return next((entry for key, entry in entries.items() if _plain(str(key), registry) == scope), None)


def _plain(key: str, registry: str) -> str:
    """A key as `HOST[/NAMESPACE]`: without a scheme, the path of an API, or a trailing slash.

    Tools write `https://HOST/`, `HOST/v2/`, `https://HOST/v1/` and others, and docker reads them all.
    """
    host, slash, path = re.sub(r"^https?://", "", key).rstrip("/").partition("/")
    if registry == HUB and host in _HUB_HOSTS:
        host = HUB
    return host if re.fullmatch(r"v[12]", path) else f"{host}{slash}{path}"


def _from_entry(entry: Mapping[str, object], where: str) -> Credentials | None:
    username, password = entry.get("username"), entry.get("password")
    if isinstance(encoded := entry.get("auth"), str) and encoded.strip():
        text = _decoded(encoded)
        if text is None:
            raise UsageError(f"{where} is not base64", hint="log in again")
        username, colon, password = text.partition(":")
        if not colon:
            raise UsageError(f"{where} contains no user name and password", hint="log in again")
    if token := _token(entry, "registrytoken", where):
        return Credentials(str(username or ""), "", registry_token=token)
    if token := _token(entry, "identitytoken", where):
        return Credentials(str(username or ""), "", identity_token=token)
    if is_text(username) and is_text(password) and username:
        return Credentials(username, password.rstrip("\0"))
    return None


def _decoded(encoded: str) -> str | None:
    """The text, which the tool `base64` wraps at 76 characters; None if it is not base64.

    No exception leaves: it would contain a part of the secret.
    """
    try:
        return base64.b64decode("".join(encoded.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _token(entry: Mapping[str, object], name: str, where: str) -> str | None:
    token = entry.get(name)
    if not isinstance(token, str) or not token.strip():
        return None
    if not re.fullmatch(r"[\x21-\x7e]+", token.strip()):
        raise UsageError(f"{where} contains a {name} that is not valid in a header", hint="log in again")
    return token.strip()
