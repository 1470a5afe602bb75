"""Whose name and password a registry gets: the configuration files of docker and podman, and their helpers.

The files are those of docker-login(1) and containers-auth.json(5): the one that the user names in REGISTRY_AUTH_FILE,
or else docker's and then podman's. The first that knows the registry decides; in it a helper for the registry comes
before the common store, and that before what the file itself holds.
"""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from m2build.errors import StorageError, TransportError, UsageError

_HELPER_SECONDS = 60
_TOKEN_USER = "<token>"  # noqa: S105 - not a secret: the user name with which helpers announce an identity token


@dataclass(frozen=True)
class Credentials:
    """What a registry, or its token server, is told.

    Attributes:
        username: the user's name.
        password: the secret; `repr()` does not show it.
        identity_token: an OAuth 2 refresh token that stands for both, or None.
    """

    username: str
    password: str
    identity_token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, ***)"

    @property
    def basic(self) -> str:
        """The value of an `Authorization` header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def find_credentials(registry: str, repository: str, environment: Mapping[str, str]) -> Credentials | None:
    """What the user's configuration holds for a repository; None means anonymous.

    Raises:
        UsageError: a configuration file is malformed, or `REGISTRY_AUTH_FILE` names none.
        StorageError: one cannot be read.
        TransportError: a credential helper is missing or fails.
    """
    explicit = environment.get("REGISTRY_AUTH_FILE")
    for path in [Path(explicit)] if explicit else _usual_files(environment):
        document = _read(path)
        if document is None and explicit:
            raise UsageError(f"REGISTRY_AUTH_FILE names {explicit}, which is no file", hint="unset it, or log in first")
        if document and (found := _from_document(document, path, registry, repository, environment)):
            return found
    return None


def _usual_files(environment: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environment.get("HOME", "/"))
    yield Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"


def _read(path: Path) -> Mapping[str, object] | None:
    try:
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}", hint="mend it, or log in anew") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} is not a JSON object", hint="mend it, or log in anew")
    return document


def _from_document(
    document: Mapping[str, object], path: Path, registry: str, repository: str, environment: Mapping[str, str]
) -> Credentials | None:
    helpers, store = document.get("credHelpers"), document.get("credsStore")
    server = _server(registry)
    helper = (helpers.get(registry) or helpers.get(server)) if isinstance(helpers, dict) else None
    for name in (helper, store):
        if isinstance(name, str) and name:
            found = _ask_helper(name, server, environment)
            if found is not None or name is helper:
                return found
    auths = document.get("auths")
    for key in _keys(registry, repository):
        entry = auths.get(key) if isinstance(auths, dict) else None
        if isinstance(entry, dict) and (found := _from_entry(entry, f"{path}: auths.{key}")):
            return found
    return None


def _server(registry: str) -> str:
    """What docker calls a registry in its files: Docker Hub has kept the address of its first interface."""
    return "https://index.docker.io/v1/" if registry == "docker.io" else registry


def _keys(registry: str, repository: str) -> Iterator[str]:
    """The keys that may hold a repository's credentials, the most specific first (containers-auth.json(5))."""
    parts = repository.split("/")
    for length in range(len(parts), 0, -1):
        yield "/".join([registry, *parts[:length]])
    for host in dict.fromkeys((_server(registry), registry)):
        yield from (host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/")
    if registry == "docker.io":
        yield from ("index.docker.io", "registry-1.docker.io")


def _from_entry(entry: Mapping[str, object], where: str) -> Credentials | None:
    token = entry.get("identitytoken")
    username, password = entry.get("username"), entry.get("password")
    if isinstance(encoded := entry.get("auth"), str) and encoded:
        try:
            username, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise UsageError(f"{where} is not base64", hint="log in anew") from error
        if not colon:
            raise UsageError(f"{where} holds no user name and password", hint="log in anew")
    if isinstance(token, str) and token:
        return Credentials(str(username or ""), "", token)
    if isinstance(username, str) and isinstance(password, str) and username:
        return Credentials(username, password.rstrip("\0"))
    return None


def _ask_helper(name: str, server: str, environment: Mapping[str, str]) -> Credentials | None:
    """Ask a credential helper (https://github.com/docker/docker-credential-helpers); None if it knows none."""
    program = f"docker-credential-{name}"
    try:
        run = subprocess.run(
            [program, "get"], input=server, env=dict(environment), capture_output=True, encoding="utf-8",
            errors="replace", timeout=_HELPER_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise TransportError(
            f"the credential helper {program} is not installed", hint="install it, or log in"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TransportError(
            f"the credential helper {program} does not answer", hint=f"try `{program} list`"
        ) from error
    if run.returncode != 0:
        if "not found" in run.stdout.lower():
            return None
        raise TransportError(f"the credential helper {program} has failed for {server}", hint=f"try `{program} list`")
    try:
        answer = json.loads(run.stdout)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError, RecursionError):
        # Without the cause: a JSONDecodeError carries the whole answer along.
        raise TransportError(
            f"the credential helper {program} has not answered in JSON", hint=f"try `{program} list`"
        ) from None
    return Credentials("", "", secret) if username == _TOKEN_USER else Credentials(username, secret)
