"""An entrypoint, word by word: what starts, and what the server itself says of each of its flags. Pure."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from m2build.recipes.parts import INIT_FILE

if TYPE_CHECKING:
    from m2build.launch.flags.model import Flag
    from m2build.launch.flags.server import ServerFlags


@dataclass(frozen=True)
class Step:
    """Words that belong together.

    Attributes:
        words: a flag with its values, or the beginning of the command.
        meaning: what they do.
        default: what holds without them; empty if that is not known.
        reason: what the recipe says of them; empty if it says nothing.
        is_known: whether the base's own sources, or m2build, say what they do.
    """

    words: tuple[str, ...]
    meaning: str
    default: str = ""
    reason: str = ""
    is_known: bool = True


def explained(
    words: Sequence[str], flags: ServerFlags | None, comments: Mapping[str, str] | None = None
) -> tuple[Step, ...]:
    """The steps of an entrypoint.

    Args:
        words: the entrypoint.
        flags: what the base's sources say of the server's flags, if they can be read.
        comments: what the recipe says of flags, by their names without dashes.

    >>> [step.words for step in explained(["python3", "-m", "app", "--tp-size", "8", "--quiet"], None)]
    [('python3', '-m', 'app'), ('--tp-size', '8'), ('--quiet',)]
    """
    return tuple(_step(group, flags, comments or {}) for group in _groups(words))


def _groups(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The words of each flag; before them the init, if there is one, and the command."""
    starts = [at for at, word in enumerate(words) if word.startswith("--") and len(word) > 2]
    if INIT_FILE in words[:3]:
        starts.insert(0, words.index(INIT_FILE) + 1)
    bounds = [0, *starts, len(words)]
    return (tuple(words[start:end]) for start, end in pairwise(bounds) if end > start)


def _step(words: tuple[str, ...], flags: ServerFlags | None, comments: Mapping[str, str]) -> Step:
    if words[-1] == INIT_FILE:
        return Step(words, "m2build's init is process 1: it starts the server, passes signals on, and ends with it.")
    if not words[0].startswith("--"):
        return Step(words, "The server's command.")
    name = words[0].partition("=")[0]
    reason = comments.get(name.removeprefix("--"), "")
    flag = flags.by_name.get(name) if flags else None
    if flag is None:
        return Step(words, "The base's sources do not say.", reason=reason, is_known=False)
    help_text = " ".join((flag.help or "").replace("%%", "%").split())
    return Step(words, help_text or "The server gives no help for it.", _default(flag), reason, bool(help_text))


def _default(flag: Flag) -> str:
    if "default" in flag.unknown or flag.default is argparse.SUPPRESS:
        return ""
    if flag.required:
        return "required"
    return {"None": "none", "False": "off", "True": "on"}.get(str(flag.default), str(flag.default))
