"""A pull request as a diff: the host's plain `.diff`, and what its JSON API says of it (GitHub's REST API, "Pulls").

The token comes from the environment alone, and goes to the API alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime

from m2build.documents.arguments import typed_arguments
from m2build.documents.shown import shown
from m2build.errors import TransportError, UsageError
from m2build.importing.found import FoundDiff, day
from m2build.oci.reference import without_user
from m2build.registry.connections import host_of, origin, without_secrets
from m2build.registry.fetch import fetched
from m2build.registry.messages import Answer
from m2build.registry.transport import Transport

HOST = "https://github.com"
TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")
"""The variables that may hold a token, in the order in which GitHub's own command line looks at them."""

_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}#)[A-Za-z0-9._-]{1,100})#([1-9][0-9]{0,8})")
_TOKEN = re.compile(r"[\x21-\x7e]+")
"""What a header can hold in one word (RFC 9110, section 5.6.2)."""
_HOST = re.compile(r"https?://[A-Za-z0-9._~:\[\]-]+(/[A-Za-z0-9._~/-]*)?")
_LIMITED = (403, 429)
_LARGEST = 16 << 20
"""Bytes of one answer; a diff beyond that could not be vendored."""


@typed_arguments
def pull_request(name: str, *, environment: Mapping[str, str], host: str = HOST, insecure: bool = False) -> FoundDiff:
    """The diff of a pull request.

    Args:
        name: `OWNER/REPO#NUMBER`.
        environment: where a token, proxies and certificates are looked for.
        host: the address of the host; another one than GitHub's has its API at `/api/v3`.
        insecure: whether to accept any certificate, and plain HTTP beyond loopback.

    Raises:
        UsageError: the name, the address or the token is malformed, or there is no such pull request.
        TransportError: the host does not deliver.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise UsageError(f"{shown(name)} does not name a pull request", hint="write OWNER/REPO#NUMBER")
    if not _is_host(host):
        problem = f"{shown(without_user(host))} is not the address of a host, without user and query"
        raise UsageError(problem, hint=f"as in {HOST}; a token goes into {TOKENS[0]}")
    forge = _Forge(host.rstrip("/"), environment, insecure=insecure)
    with closing(forge):
        return forge.found(match[1], match[2])


def _is_host(host: str) -> bool:
    """Whether an address can have paths added, and be written into a series: it names no user and no password."""
    try:
        return _HOST.fullmatch(host) is not None and bool(origin(host)[1])
    except ValueError:
        return False


def _token(environment: Mapping[str, str]) -> str | None:
    """The token, without the blanks and the line end that reading it from a file may leave.

    Raises:
        UsageError: it cannot be sent.
    """
    for key in TOKENS:
        if token := environment.get(key, "").strip():
            if not _TOKEN.fullmatch(token):
                raise UsageError(f"the token in {key} holds characters that no token has", hint=f"set {key} anew")
            return token
    return None


class _Forge:
    def __init__(self, host: str, environment: Mapping[str, str], *, insecure: bool) -> None:
        self._host = host
        self._api = "https://api.github.com" if host == HOST else f"{host}/api/v3"
        self._transport = Transport(environment, insecure=insecure)
        self._token = _token(environment)
        if self._token:
            self._transport.secrets.add(self._token)

    def close(self) -> None:
        self._transport.close()

    def found(self, repository: str, number: str) -> FoundDiff:
        where = f"{self._api}/repos/{repository}/pulls/{number}"
        about = self._json(where)
        plain = self._get(f"{self._host}/{repository}/pull/{number}.diff", {})
        if plain.status == 404 and self._token:  # a private repository has it for the API's token only
            plain = self._get(where, {"Accept": "application/vnd.github.diff"})
        content = self._content(plain)
        title, address = _text(about, "title"), f"{self._host}/{repository}/pull/{number}"
        merged = about.get("merged_at") is not None
        commit = _text(about, "merge_commit_sha")
        return FoundDiff(
            f"{repository.rpartition('/')[2].lower()}-{number}.patch",
            content,
            summary=title,
            why=_text(about, "body").replace("\r\n", "\n").strip(),
            author=_text(about.get("user"), "login"),
            last_update=day(_text(about, "updated_at")[:10]),
            origin=f"{'upstream' if merged else 'other'}, {address}",
            applied_upstream=f"commit:{commit}" if merged and re.fullmatch(r"[0-9a-f]{40,64}", commit) else None,
            references=(address,),
        )

    def _json(self, url: str) -> Mapping[str, object]:
        answer = self._get(url, {"Accept": "application/vnd.github+json"})
        try:
            found: object = json.loads(self._content(answer))
        except (ValueError, RecursionError) as error:
            raise TransportError(f"{host_of(url)}: its answer for {url} is not JSON") from error
        if not isinstance(found, dict):
            raise TransportError(f"{host_of(url)}: its answer for {url} does not describe a pull request")
        return found

    def _get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Only requests to the API have headers, and it alone gets the token."""
        token = {"Authorization": f"Bearer {self._token}"} if self._token and headers else {}
        return fetched(self._transport, url, headers=headers, private=token, largest=_LARGEST)

    def _content(self, answer: Answer) -> bytes:
        if answer.status == 200:
            return answer.content
        where = without_secrets(answer.url)
        if answer.status == 404:
            also = "" if self._token else f"; for a private one set {TOKENS[0]}"
            if self._host != HOST:
                also += f"; the host has to answer as GitHub does, with its API at {self._api}"
            raise UsageError(f"{where} does not exist", hint=f"check the repository and the number{also}")
        raise TransportError(f"{where}: expected 200, got {answer.status}", hint=self._advice(answer))

    def _advice(self, answer: Answer) -> str | None:
        """What to do, by GitHub's REST API documentation ("Rate limits", "Troubleshooting")."""
        if answer.status == 401:
            return "the token is not valid, or has expired: set another one" if self._token else f"set {TOKENS[0]}"
        if answer.status == 406:
            return "the host does not give out a diff of that size: make it with git, and import it with --diff"
        if answer.status not in _LIMITED:
            return None
        end = answer.header("X-RateLimit-Reset") or ""
        if answer.header("X-RateLimit-Remaining") == "0" and re.fullmatch("[0-9]{1,11}", end):
            until = datetime.fromtimestamp(int(end), UTC).strftime("%Y-%m-%d %H:%M UTC")
            also = "" if self._token else f", or set {TOKENS[0]}"
            return f"the rate limit is used up: wait until {until}{also}"
        if answer.status == 403 and self._token:
            return "the token may not read this repository"
        return "try again later" if self._token else f"set {TOKENS[0]}, or try again later"


def _text(value: object, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
