"""Whether a container engine is installed and new enough, and how to get it if not."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass

from m2build.errors import EngineError


@dataclass(frozen=True)
class Need:
    """A program that m2build needs.

    Attributes:
        what: the program's name for people.
        oldest: the oldest supported version, major and minor.
        why: what that version brought.
        how: how to get it.
    """

    what: str
    oldest: tuple[int, int]
    why: str
    how: str

    def check(self, version: str) -> str:
        """The version, if it is new enough. A version that is not a number, as of a development build, is accepted.

        Raises:
            EngineError: it is too old.
        """
        found = re.search(r"(\d+)\.(\d+)", version)
        if found and (0, 0) != (int(found[1]), int(found[2])) < self.oldest:
            raise self.too_old(version)
        return version

    def too_old(self, version: str) -> EngineError:
        """The error for a version that is too old."""
        oldest = ".".join(map(str, self.oldest))
        return EngineError(
            f"{self.what} {version} is too old: {oldest} or newer is needed, for {self.why}", hint=self.how
        )


def on_path(program: str, need: Need, path: str | None = None) -> None:
    """Check that a program is installed.

    Args:
        program: its command.
        need: what is needed of it.
        path: the PATH to look on; None for this process's own.

    Raises:
        EngineError: it is missing.
    """
    if shutil.which(program, path=path) is None:
        raise EngineError(f"{need.what} is not installed: no command {program} on PATH", hint=need.how)


def member(text: str, *keys: str) -> str:
    """A member of a JSON document, by its path from the top; empty if it does not exist."""
    try:
        value = json.loads(text)
        for key in keys:
            value = value[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return str(value)
