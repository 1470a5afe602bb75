"""Image references: the grammar of the distribution project, and the defaults that docker users expect."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from m2build.errors import UsageError

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_LONGEST_NAME = 255
_LAST_PORT = 65535
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_REFERENCE = re.compile(
    rf"(?:(?P<domain>{_DOMAIN})/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    rf"(?::(?P<tag>{TAG.pattern}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}|sha512:[0-9a-f]{{128}}))?"
)


@dataclass(frozen=True)
class Reference:
    """A parsed reference, with docker.io and library/ filled in.

    Attributes:
        registry: host and port.
        repository: the path in the registry.
        tag: the tag, or None.
        digest: the digest, or None.
    """

    registry: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def without_digest(self) -> Reference:
        """The name and the tag, or the name alone."""
        return replace(self, digest=None)

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> Reference:
    """Read `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`.

    A first part counts as a registry if it holds a full stop or a colon or is `localhost`, as docker does it.

    Raises:
        UsageError: it is not a reference.
    """
    if _holds_user(text):
        raise UsageError(
            f"{without_user(text)!r} holds a user name or a password",
            hint="log in with `docker login` or `skopeo login`, and leave it out: [REGISTRY/]NAME[:TAG]",
        )
    match = _REFERENCE.fullmatch(text)
    if match is None or len(match["path"]) > _LONGEST_NAME:
        scheme, _, rest = text.rpartition("://")
        hint = f"a name has no {scheme}:// in front: write {rest}" if scheme and _REFERENCE.fullmatch(rest) else None
        raise UsageError(
            f"{text!r} is not an image reference", hint=hint or "write [REGISTRY/]NAME[:TAG], in lower case"
        )
    registry, path = match["domain"], match["path"]
    if (port := re.search(r":([0-9]+)$", registry or "")) and not 0 < int(port[1]) <= _LAST_PORT:
        raise UsageError(f"{text!r} names the port {port[1]}", hint=f"ports are numbers from 1 to {_LAST_PORT}")
    if registry is not None and not (set(".:[") & set(registry) or registry == "localhost"):
        registry, path = None, f"{registry}/{path}"
        if not re.fullmatch(rf"{_COMPONENT}(?:/{_COMPONENT})*", path):
            raise UsageError(f"{text!r} is not an image reference", hint="names are in lower case")
    if registry in (None, "docker.io", "index.docker.io"):
        registry, path = "docker.io", path if "/" in path else f"library/{path}"
    return Reference(registry, path, match["tag"], match["digest"])


def without_user(text: str) -> str:
    """A name as a message may show it: without a user name or a password before an `@`."""
    name, digest = _split_digest(text)
    return f"***@{name.rpartition('@')[2]}{digest}" if "@" in name else text


def _holds_user(text: str) -> bool:
    return "@" in _split_digest(text)[0]


def _split_digest(text: str) -> tuple[str, str]:
    match = re.search(r"@(?:sha[0-9]+:[^@/]*|[a-z0-9+._-]*:?[0-9a-f]{32,})$", text)
    return (text[: match.start()], match[0]) if match else (text, "")


def is_reference(text: str) -> bool:
    """Whether a text is a reference."""
    try:
        parse_reference(text)
    except UsageError:
        return False
    return True


def is_full_reference(text: str) -> bool:
    """Whether a name from a store includes its registry, so that none has to be assumed."""
    return is_reference(text) and text.startswith(f"{parse_reference(text).registry}/")
