"""What is wrong with a command line, in words: the thing, the nearest valid one, and what to do."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence

from m2build.documents.shown import shortened, shown
from m2build.documents.suggest import nearest
from m2build.launch.findings import Finding
from m2build.launch.flags.model import Flag
from m2build.launch.flags.reader import HELP, Reader, looks_like_an_option

_LISTED = 20
"""Names or choices that a message lists."""


class Mistakes:
    """Describes mistakes in command lines for one server."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._server = reader.server

    def ambiguous(self, word: str, names: Sequence[str]) -> Finding:
        """An abbreviation of several flags."""
        return self._finding(
            "ambiguous-flag", f"{shown(word)} is short for several flags: {_listed(names)}", "write the flag out"
        )

    def other(self, message: str) -> Finding:
        """What argparse says of no flag in particular."""
        return self._finding("command-line", shortened(message, 300), "correct the command line")

    def wrong_value(self, flag: Flag, words: Sequence[str], message: str) -> Finding:
        """What is wrong with an option and its values, which argparse refuses with this message."""
        name, joined, value = words[0].partition("=")
        values = [value] if joined else list(words[1:])
        if flag.nargs == 0:
            off = next((other for other in flag.names if other.startswith("--no-")), None)
            hint = f"write {name} alone" + (f", or {off} to turn it off" if off else ", or leave it out")
            return self._finding("flag-value", f"{name} takes no value, and has {shown(value)}", hint)
        converter = self._reader.converter(flag)
        for text in values if converter else ():
            try:
                read = converter[0](text) if converter else None
            except (ValueError, TypeError):
                takes = converter[1] if converter else ""
                return self._finding("flag-type", f"{name} takes {takes}, not {shown(text)}", _described(flag))
            if flag.choices is not None and read not in flag.choices:
                return self._wrong_choice(flag, name, text)
        if not values:
            problem = f"{name} needs {_needed(flag)}, and has none"
            return self._finding("flag-value", problem, _described(flag))
        return self._finding("flag-value", f"{name}: {shortened(message, 300)}", _described(flag))

    def no_flags(self, words: Sequence[str], rest: Sequence[str]) -> Iterator[Finding]:
        """The words of a command line that belong to no flag: unknown flags, and values that are too many."""
        unknown_end = -1
        for word in rest:
            at = words.index(word, max(0, unknown_end))
            if looks_like_an_option(word):
                name = word.partition("=")[0]
                guess = nearest(name, self._server.by_name)
                problem = f"there is no flag {shown(name)}" + (f"; did you mean {guess}?" if guess else "")
                unknown_end = at + 1
                yield self._finding("unknown-flag", problem, "`m2build flags` lists all flags")
            elif at == unknown_end:
                unknown_end += 1  # a value of an unknown flag
            else:
                yield self._stray(word, words[:at])

    def help(self, words: Sequence[str]) -> Iterator[Finding]:
        """A request for help, with which the server ends."""
        for word in words:
            if self._reader.options(word)[:1] in [[name] for name in HELP]:
                yield self._finding("help", f"with {word} the server prints its flags and exits", "leave it out")

    def missing(self, given: Mapping[str, Flag]) -> Iterator[Finding]:
        """Required flags that are not given."""
        for flag in self._server.flags:
            if flag.required and flag.names[0] not in given:
                yield self._finding("missing-flag", f"the server needs {flag.title}", f"give {flag.names[0]} a value")

    def retired(self, given: Mapping[str, Flag]) -> Iterator[Finding]:
        """Flags that the server knows only to refuse them."""
        for flag in given.values():
            if flag.retired is not None:
                problem = f"the server refuses {flag.names[0]}: {shortened(flag.retired, 300)}"
                yield self._finding("retired-flag", problem, f"leave {flag.names[0]} out")

    def _wrong_choice(self, flag: Flag, name: str, text: str) -> Finding:
        choices = _texts(flag)
        guess = nearest(text, choices)
        problem = f"{name} does not take {shown(text)}" + (f"; did you mean {guess}?" if guess else "")
        return self._finding("flag-choice", problem, f"it takes {_listed(choices)}")

    def _stray(self, word: str, before: Sequence[str]) -> Finding:
        flag = next((flag for flag in map(self._reader.flag, reversed(before)) if flag), None)
        problem = f"the word {shown(word)}{f' after {flag.names[0]}' if flag else ''} belongs to no flag"
        taken = "no value" if flag and flag.nargs == 0 else "one value"
        hint = f"{flag.names[0]} takes {taken}" if flag else "each value follows its flag"
        return self._finding("stray-word", problem, hint)

    def _finding(self, rule: str, message: str, hint: str) -> Finding:
        return Finding(rule, message, hint, self._server.source)


def _described(flag: Flag) -> str:
    name = flag.names[0]
    if flag.choices:
        return f"it takes {_listed(_texts(flag))}"
    if flag.default not in (None, argparse.SUPPRESS, (), ""):
        value = " ".join(map(str, flag.default)) if isinstance(flag.default, tuple) else flag.default
        return f"its default is {name} {value}"
    return f"`m2build flags {name.removeprefix('--')}` describes it"


def _needed(flag: Flag) -> str:
    if flag.nargs == "+":
        return "one value or more"
    return "a value" if flag.nargs is None else f"{flag.nargs} values"


def _texts(flag: Flag) -> list[str]:
    return [str(choice) for choice in flag.choices or () if choice is not None]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
