"""Programs that stand in for engines: old ones, broken ones, ones that hang."""

from __future__ import annotations

from pathlib import Path

OLD_DOCKER = '{"Client":{"Version":"20.10.24+dfsg1"},"Server":{"Version":"20.10.24+dfsg1","ApiVersion":"1.41"}}'
"""The members that m2build reads from the answer of Debian 12's docker."""


def script(folder: Path, name: str, *cases: tuple[str, str]) -> None:
    """A program that acts on arguments that match a shell pattern, and fails for all others."""
    lines = [f"{pattern}) {commands};;" for pattern, commands in cases]
    text = "\n".join(["#!/bin/sh", 'case "$*" in', *lines, '*) echo "unknown: $*" >&2; exit 64;;', "esac", ""])
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
