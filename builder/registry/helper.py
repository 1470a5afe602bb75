"""Credential helpers: programs that keep passwords (https://github.com/docker/docker-credential-helpers)."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping

from m2build.errors import TransportError, UsageError
from m2build.registry.login import Credentials, is_text

_SECONDS = 60
_TOKEN_USER = "<token>"  # noqa: S105 - not a secret: the user name with which helpers announce an identity token
_UNKNOWN = "credentials not found"


def ask_helper(name: str, server: str, environment: Mapping[str, str]) -> Credentials | None:
    """A helper's credentials for a server; None if it says that it has none, or sends an empty secret.

    Raises:
        UsageError: the name cannot be a program's.
        TransportError: it is missing or fails. Its output is not quoted: it may contain a secret.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.+-]+", name):
        problem = f"{name!r} is not a credential helper's name"
        raise UsageError(problem, hint="write in credsStore and credHelpers what follows docker-credential-")
    program = f"docker-credential-{name}"
    try:
        run = subprocess.run(
            [program, "get"], input=server, env=dict(environment), capture_output=True, encoding="utf-8",
            errors="replace", timeout=_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise TransportError(
            f"the credential helper {program} is not installed", hint="install it, or log in"
        ) from error
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise TransportError(
            f"the credential helper {program} does not answer", hint=f"try `{program} list`"
        ) from error
    if run.returncode != 0:
        if "not found" in run.stdout.lower() or _UNKNOWN in run.stderr.lower():
            return None
        raise TransportError(f"the credential helper {program} failed for {server}", hint=f"try `{program} list`")
    answer = _answer(run.stdout)
    if answer is None:
        raise TransportError(f"the credential helper {program} sent a malformed answer", hint=f"try `{program} list`")
    username, secret = answer
    if not secret:
        return None
    return Credentials("", "", identity_token=secret) if username == _TOKEN_USER else Credentials(username, secret)


def _answer(output: str) -> tuple[str, str] | None:
    """User name and secret; None if the output is malformed. No exception leaves: it would contain the output."""
    try:
        answer = json.loads(output)
        username, secret = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return (username, secret) if is_text(username) and is_text(secret) else None
