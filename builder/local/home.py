"""The user's home directory, which not every user has."""

from __future__ import annotations

from pathlib import Path


def home_folder() -> Path:
    """The home directory: `HOME`, else the account's; `/` for a user id without an account, as Docker does it."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")
