"""Credentials for a registry, or for its token server."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TypeGuard

from m2build.documents.shown import is_utf8


def is_text(value: object) -> TypeGuard[str]:
    """Whether a value from a JSON document is a text that can be sent: a lone surrogate has no bytes."""
    return isinstance(value, str) and is_utf8(value)


@dataclass(frozen=True)
class Credentials:
    """A user name and a password, or a token that stands for both.

    Attributes:
        username: the user's name.
        password: the secret; `repr()` does not show it.
        identity_token: an OAuth 2 refresh token, which a token server exchanges for access tokens, or None.
        registry_token: a token that goes to the registry itself, or None.
    """

    username: str
    password: str
    identity_token: str | None = None
    registry_token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, ***)"

    @property
    def is_password(self) -> bool:
        """Whether it is a user name and a password, not a token."""
        return not (self.identity_token or self.registry_token)

    @property
    def basic(self) -> str:
        """The value of an `Authorization` header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    @property
    def secrets(self) -> tuple[str | None, ...]:
        """The values that must not appear in messages."""
        basic = self.basic.partition(" ")[2] if self.password else None
        return self.password, basic, self.identity_token, self.registry_token
