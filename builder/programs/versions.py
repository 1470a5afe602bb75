"""Whether a container engine is there and new enough; how to get it is said where it is not."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass

from m2build.errors import EngineError


@dataclass(frozen=True)
class Need:
    """What is needed of a program.

    Attributes:
        what: the program, as people call it.
        oldest: the oldest version that serves, major and minor.
        why: what that version brought.
        how: how to get it.
    """

    what: str
    oldest: tuple[int, int]
    why: str
    how: str

    def check(self, version: str) -> str:
        """The version, if it serves; one that is no number, as of a development build, is taken at its word.

        Raises:
            EngineError: it is too old.
        """
        found = re.search(r"(\d+)\.(\d+)", version)
        if found and (0, 0) != (int(found[1]), int(found[2])) < self.oldest:
            oldest = ".".join(map(str, self.oldest))
            raise EngineError(
                f"{self.what} {version} is too old: {oldest} or newer is needed, for {self.why}", hint=self.how
            )
        return version


def on_path(program: str, need: Need) -> None:
    """See that a program is installed.

    Raises:
        EngineError: it is not.
    """
    if shutil.which(program) is None:
        raise EngineError(f"{need.what} is not installed: there is no command {program}", hint=need.how)


def member(text: str, *keys: str) -> str:
    """A member of a JSON document, by its way from the top; nothing if it is not there."""
    try:
        value = json.loads(text)
        for key in keys:
            value = value[key]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(value)
