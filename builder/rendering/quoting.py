"""Quoting values in a Dockerfile: each value comes out exactly as it is, or is refused.

The rules for quotes, backslashes and variables are those of BuildKit's frontend/dockerfile/shell/lex.go and buildah's
imagebuilder/shell_parser.go, which agree on everything written here. Both split a Dockerfile into lines first.
"""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from m2build.errors import UsageError

_PLAIN = re.compile(r"[A-Za-z0-9._:/@+-]+")
_SHOWN = 120
"""How many characters of a refused value a message shows."""


class Quoted(str):
    """Text that one of the filters has made safe for its place."""

    __slots__ = ()


def shell_word(value: object) -> Quoted:
    """One word of a POSIX shell's command line, on one line.

    Raises:
        UsageError: it holds control characters.
    """
    return Quoted(shlex.quote(_line(value)))


def quoted(value: object) -> Quoted:
    """The value of a LABEL or an ENV.

    Raises:
        UsageError: it holds control characters.
    """
    return Quoted('"' + re.sub(r'(["$\\])', r"\\\1", _line(value)) + '"')


def name(value: object) -> Quoted:
    """The name of a LABEL or an ENV.

    Raises:
        UsageError: it is empty, or holds control characters or an equals sign: the first one ends a name, even
            between quotes.
    """
    text = _line(value)
    if not text:
        raise _refusal(text, "a name must not be empty")
    if "=" in text:
        raise _refusal(text, "an equals sign ends a name")
    return quoted(text)


def exec_form(value: object) -> Quoted:
    """A list of words for RUN, CMD, ENTRYPOINT, HEALTHCHECK and SHELL: JSON, which bypasses the shell.

    Raises:
        UsageError: it is not a list of words, or a word has a NUL, which ends a word of a command line.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _refusal(_text(value), "this takes a list of words")
    words = [_text(word) for word in value]
    for word in words:
        if "\0" in word:
            raise _refusal(word, "a NUL ends a word of a command line")
    return Quoted(json.dumps(words))


def plain(value: object) -> Quoted:
    """A word that needs no quotes anywhere.

    Raises:
        UsageError: it has characters other than ASCII letters, digits and `._:/@+-`.
    """
    text = _text(value)
    if not _PLAIN.fullmatch(text):
        raise _refusal(text, "only ASCII letters, digits and ._:/@+- are allowed here")
    return Quoted(text)


def comment(value: object) -> Quoted:
    """Text after a `#`.

    Raises:
        UsageError: it holds control characters.
    """
    return Quoted(_line(value))


FILTERS: Mapping[str, Callable[[object], Quoted]] = {
    "sh": shell_word,
    "quoted": quoted,
    "name": name,
    "json": exec_form,
    "plain": plain,
    "comment": comment,
}
"""The filters of a template, by name."""


def _text(value: object) -> str:
    text = str(value)  # what jinja2 has no value for raises here
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _refusal(text, f"this takes text, not a {type(value).__name__}")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise _refusal(text, "it is not Unicode")
    return text


def _line(value: object) -> str:
    text = _text(value)
    for character in text:
        if unicodedata.category(character) == "Cc" and character != "\t":
            raise _refusal(text, f"the control character U+{ord(character):04X} cannot be written")
    return text


def _refusal(text: str, why: str) -> UsageError:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    hint = "change it in the recipe, or build without a Dockerfile"
    return UsageError(f"a Dockerfile cannot express {shown!r}: {why}", hint=hint)
