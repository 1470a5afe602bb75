"""argparse with a server's flags: it reads a command line as the server does, and raises instead of exiting."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from m2build.launch.flags.converters import BUILT_IN, KNOWN, Converter
from m2build.launch.flags.model import Flag, NotProvableError
from m2build.launch.flags.server import ServerFlags

HELP = ("-h", "--help")
_HELP_DEST = " help"
_NEGATIVE = re.compile(r"-\d+|-\d*\.\d+")
"""What argparse takes for a negative number, not for an option."""


class RefusedError(Exception):
    """The server's parser would end here: argparse's message, and the flag that it is about."""

    def __init__(self, message: str, flag: Flag | None) -> None:
        super().__init__(message)
        self.message = message
        self.flag = flag


class Reader:
    """Reads command lines by a server's flags.

    Required flags are not asked for, so that a command line can be read in part.
    """

    def __init__(self, server: ServerFlags) -> None:
        """Make the parser.

        Raises:
            NotProvableError: argparse does not accept the definition of a flag.
        """
        self.server = server
        self._names = {**server.by_name, **dict.fromkeys(HELP, None)}
        self._parser = _Parser(prog="server", add_help=False, exit_on_error=False)
        self._parser.add_argument(*HELP, dest=_HELP_DEST, action=_Store, nargs=0, default=argparse.SUPPRESS)
        try:
            for flag in server.flags:
                self._add(flag)
        except (argparse.ArgumentError, ValueError, TypeError) as error:
            raise NotProvableError(f"{server.source}: argparse refuses a flag's definition: {error}") from error

    def read(self, words: Sequence[str]) -> tuple[dict[str, object], list[str]]:
        """The values of the given flags by their `dest`, and the words that belong to no flag.

        Raises:
            RefusedError: argparse does not accept the words.
        """
        try:
            values, rest = self._parser.parse_known_args(words)
        except argparse.ArgumentError as error:
            name = (error.argument_name or "").partition("/")[0]
            raise RefusedError(error.message, self.server.by_name.get(name)) from error
        found = vars(values)
        found.pop(_HELP_DEST, None)
        return found, rest

    def options(self, word: str) -> list[str]:
        """The names that argparse takes a word for: the name that it is, or all that it abbreviates."""
        name = word.partition("=")[0]
        if name in self._names:
            return [name]
        is_long = name.startswith("--") and name != "--"
        return [known for known in self._names if known.startswith(name)] if is_long else []

    def flag(self, word: str) -> Flag | None:
        """The flag that a word stands for."""
        found = self.options(word)
        return self._names[found[0]] if len(found) == 1 else None

    def without(self, words: Sequence[str], start: int) -> tuple[list[str], list[str]]:
        """The words without the option at `start` and its values, and these."""
        end = start + 1
        while "=" not in words[start] and end < len(words) and not looks_like_an_option(words[end]):
            end += 1
        return [*words[:start], *words[end:]], list(words[start:end])

    def converter(self, flag: Flag) -> tuple[Converter, str] | None:
        """What converts a flag's values and what it takes, or None if that is not known."""
        if "type" in flag.unknown:
            return None
        name = flag.type or "str"
        if name in self.server.known_types and name in KNOWN:
            return KNOWN[name].convert, KNOWN[name].what
        return BUILT_IN.get(name)

    def _add(self, flag: Flag) -> None:
        more: dict[str, Any] = {"dest": flag.dest, "default": argparse.SUPPRESS}
        if flag.action in {"store_true", "store_false"}:
            self._parser.add_argument(*flag.names, action=flag.action, **more)
        elif flag.action == "boolean":
            self._parser.add_argument(*flag.names[::2], action=argparse.BooleanOptionalAction, **more)
        elif flag.action == "store_const":
            self._parser.add_argument(*flag.names, action="store_const", const=flag.const, **more)
        else:
            converter = self.converter(flag)
            more |= {"nargs": flag.nargs, "const": flag.const, "type": converter[0] if converter else str}
            more |= {"choices": flag.choices} if converter else {}
            self._parser.add_argument(*flag.names, action="append" if flag.action == "append" else _Store, **more)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise RefusedError(message, None)


class _Store(argparse.Action):
    """Stores values as argparse's own action does, also where there are none to take (`nargs=0`)."""

    def __call__(self, _: object, namespace: argparse.Namespace, values: object, *__: object) -> None:
        setattr(namespace, self.dest, values)


def looks_like_an_option(word: str) -> bool:
    """Whether argparse does not take a word for a value."""
    return word.startswith("-") and len(word) > 1 and not _NEGATIVE.fullmatch(word)
