"""The actions of others that a workflow uses: by commit, which cannot be moved as a tag can."""

from __future__ import annotations

from collections.abc import Mapping

PINS: Mapping[str, str] = {
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "actions/setup-python": "5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
    "docker/login-action": "4907a6ddec9925e35a0a9e82d7399ccc52663121 # v4.1.0",
    "sigstore/cosign-installer": "6f9f17788090df1f26f669e9d70d6ae9567deba6 # v4.1.2",
}
"""Action -> the commit of a release, and which release it is."""


def pinned(action: str) -> str:
    """An action as the value of `uses:`, with its version as a comment.

    >>> pinned("actions/checkout")
    'actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1'
    """
    return f"{action}@{PINS[action]}"
