"""A registry's credentials, from the configuration files of docker and podman, and their helpers.

The formats are those of docker-login(1) and containers-auth.json(5). DOCKER_AUTH_CONFIG comes first: its value is a
whole file, as for the Docker CLI since 28.3 and GitLab's runners. Then comes the file that REGISTRY_AUTH_FILE names;
without that variable, docker's file and then podman's. The first file with credentials for the registry wins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from m2build.errors import StorageError, UsageError
from m2build.local.reading import read_given
from m2build.registry.auth_file import AuthFile
from m2build.registry.login import Credentials

_VARIABLE = "DOCKER_AUTH_CONFIG"
_LARGEST = 4 << 20
"""Bytes of one file; one with hundreds of registries has some ten kilobytes."""


def find_credentials(registry: str, repository: str, environment: Mapping[str, str]) -> Credentials | None:
    """The user's credentials for a repository; None means anonymous.

    Raises:
        UsageError: a configuration is malformed, or `REGISTRY_AUTH_FILE` names a file that does not exist.
        StorageError: a file cannot be read.
        TransportError: a credential helper is missing or fails.
    """
    for file in _files(environment):
        found = file.credentials(registry, repository, environment)
        if found is not None:
            return found
    return None


def _files(environment: Mapping[str, str]) -> Iterator[AuthFile]:
    if text := environment.get(_VARIABLE, "").strip():
        yield _parsed(text.encode(errors="surrogateescape"), _VARIABLE)
    explicit = environment.get("REGISTRY_AUTH_FILE")
    for path in [Path(explicit)] if explicit else _usual_files(environment):
        try:
            yield _parsed(read_given(path, _LARGEST), str(path))
        except (FileNotFoundError, NotADirectoryError) as error:
            if explicit:
                reason = f"REGISTRY_AUTH_FILE names {explicit}, which does not exist"
                raise UsageError(reason, hint="unset it, or log in first") from error
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}") from error


def _usual_files(environment: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environment.get("HOME", "/"))
    yield Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"


def _parsed(content: bytes, where: str) -> AuthFile:
    """A parsed file. Neither errors nor their causes quote its content."""
    document, is_json = None, True
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        is_json = False  # raise it below: the exception in hand contains the whole content
    if not is_json:
        raise UsageError(f"{where} is not JSON", hint="fix it, or log in again")
    if not isinstance(document, dict):
        raise UsageError(f"{where} is not a JSON object", hint="fix it, or log in again")
    return AuthFile(document, where)
