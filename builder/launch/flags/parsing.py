"""Command lines parsed by a server's flags: by argparse itself, with everything that is wrong as findings."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from m2build.launch.findings import Finding
from m2build.launch.flags.mistakes import Mistakes
from m2build.launch.flags.model import Flag
from m2build.launch.flags.reader import Reader, RefusedError, looks_like_an_option
from m2build.launch.flags.server import ServerFlags


@dataclass(frozen=True)
class Parsed:
    """A command line as the server reads it.

    Attributes:
        values: what each flag stores, by its `dest`: as given, or its default. What is not known is not there.
        findings: what the server refuses.
        unjudged: the given flags of which a value was not looked at, and why.
    """

    values: Mapping[str, object]
    findings: tuple[Finding, ...]
    unjudged: tuple[str, ...]


def parse_words(server: ServerFlags, words: Sequence[str]) -> Parsed:
    """Parse the words after the server's command. Pure.

    argparse stops at the first mistake. Here what is wrong is taken out, so that everything wrong is found.

    Raises:
        NotProvableError: argparse does not accept the flags' own definitions.
    """
    reader = Reader(server)
    mistakes = Mistakes(reader)
    given = {flag.names[0]: flag for flag in map(reader.flag, words) if flag}
    left, findings = _without_ambiguous(reader, mistakes, words)
    values, rest = dict[str, object](), list[str]()
    while True:
        try:
            values, rest = reader.read(left)
            break
        except RefusedError as error:
            start = _failing(reader, left, error.flag)
            if error.flag is None or start is None:
                findings.append(mistakes.other(error.message))
                break
            left, wrong = reader.without(left, start)
            findings.append(mistakes.wrong_value(error.flag, wrong, error.message))
    findings += [*mistakes.no_flags(left, rest), *mistakes.help(words)]
    findings += [*mistakes.missing(given), *mistakes.retired(given)]
    unjudged = tuple(text for flag in given.values() for text in _unjudged(reader, flag))
    return Parsed(_values(reader, values, given), tuple(findings), unjudged)


def _failing(reader: Reader, words: Sequence[str], flag: Flag | None) -> int | None:
    """Where the option is that argparse refuses: a flag may be given several times."""
    places = [at for at, word in enumerate(words) if flag and reader.flag(word) == flag]
    for at in places:
        try:
            reader.read(reader.without(words, at)[1])
        except RefusedError:
            return at
    return next(iter(places), None)


def _without_ambiguous(reader: Reader, mistakes: Mistakes, words: Sequence[str]) -> tuple[list[str], list[Finding]]:
    """The words without abbreviations of several names; newer argparse accepts them if they are one flag's."""
    left, findings = list(words), []
    for word in words:
        names = reader.options(word)
        if len(names) > 1 and looks_like_an_option(word):
            left, _ = reader.without(left, left.index(word))
            findings.append(mistakes.ambiguous(word, names))
    return left, findings


def _unjudged(reader: Reader, flag: Flag) -> Iterator[str]:
    name = flag.names[0]
    if _is_own(flag) and flag.nargs != 0:
        yield f"{name} (the server's {flag.action} reads its values)"
    elif flag.nargs != 0 and not reader.converter(flag):
        yield f"{name} (the server's {flag.type or 'own function'} converts its values)"
    if "choices" in flag.unknown:
        yield f"{name} (the server decides its choices when it runs)"
    if name == "--config":
        yield f"{name} (the file gives flags of its own)"


def _values(reader: Reader, read: Mapping[str, object], given: Mapping[str, Flag]) -> dict[str, object]:
    """The value of each flag: as it was read, or else its default, where it is known."""
    values: dict[str, object] = {}
    for flag in reader.server.flags:
        if "default" not in flag.unknown and flag.default != argparse.SUPPRESS and flag.dest not in values:
            with suppress(ValueError):
                values[flag.dest] = _default(reader, flag)
    values |= read
    for flag in given.values():
        if _is_own(flag) or (flag.nargs != 0 and not reader.converter(flag)):
            values.pop(flag.dest, None)
    return values


def _default(reader: Reader, flag: Flag) -> object:
    """A default, which argparse converts if it is a text."""
    if isinstance(flag.default, tuple):
        return list(flag.default)
    converter = reader.converter(flag)
    return converter[0](flag.default) if converter and isinstance(flag.default, str) else flag.default


def _is_own(flag: Flag) -> bool:
    """Whether a class of the server decides what a flag stores."""
    return flag.action[:1].isupper()
