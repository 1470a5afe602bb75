"""Programs that stand in for engines which cannot be here: old ones, broken ones, ones that hang."""

from __future__ import annotations

from pathlib import Path

OLD_DOCKER = '{"Client":{"Version":"20.10.24+dfsg1"},"Server":{"Version":"20.10.24+dfsg1","ApiVersion":"1.41"}}'
"""Of what Debian 12's docker answers, the members that are looked at."""


def script(folder: Path, name: str, *cases: tuple[str, str]) -> None:
    """A program that does something for arguments of a shell pattern, and fails at all others."""
    lines = [f"{pattern}) {commands};;" for pattern, commands in cases]
    text = "\n".join(["#!/bin/sh", 'case "$*" in', *lines, '*) echo "unknown: $*" >&2; exit 64;;', "esac", ""])
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
