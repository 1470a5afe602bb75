"""Text from outside is printable on every terminal, and shows which characters it replaces."""

from __future__ import annotations

import subprocess
import unicodedata

import pytest
from helpers.support import need_tool
from hypothesis import example, given, settings
from hypothesis import strategies as st

from m2build.local.printable import printable, shell_text

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)
UNSEEN = {
    "control": "\x00\x07\x08\x1b\x7f\x85\x9b",
    "line breaks": "\n\r\x0b\x0c\u2028\u2029",
    "bidirectional": "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "zero width": "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\ufe0f\U000e0041\U000e0100",
    "blank": "\u00a0\u2003\u3000\u3164\u115f\uffa0",
    "surrogates": "\ud800\udcff",
    "unassigned": "\u0378\U0010ffff",
}


@pytest.mark.parametrize("kind", UNSEEN)
def test_what_cannot_be_seen_is_an_escape(kind: str) -> None:
    for mark in UNSEEN[kind]:
        shown = printable(f"a{mark}b")
        assert shown == "a" + mark.encode("unicode_escape").decode() + "b"
        assert shown.isascii()


def test_what_can_be_seen_stays() -> None:
    text = "Grüße, 你好, שלום, e\u0301, 🚀 \\n 'x' \"y\" ~"
    assert printable(text) == text
    assert printable(text, "latin-1") == text.encode("latin-1", "backslashreplace").decode("latin-1")
    assert printable("…", "ascii") == "\\u2026"


@settings(derandomize=True, max_examples=300)
@given(ANY, st.sampled_from(["utf-8", "ascii", "latin-1", "cp1252", "koi8-r"]))
def test_any_text_is_one_line_that_the_encoding_has(text: str, encoding: str) -> None:
    shown = printable(text, encoding)
    shown.encode(encoding)
    assert len(shown.splitlines()) == (1 if text else 0)
    assert {unicodedata.category(mark)[0] for mark in shown} <= set("LMNPSZ")
    assert printable(shown, encoding) == shown, "what is printable stays"


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), max_size=5))
@example(["\x1b[31m", "it's", "a b", "\\", "\u202e", "\x7f1", "\n", "$x`y`", ""])
def test_a_shell_reads_the_words_that_are_shown(words: list[str]) -> None:
    line = shell_text(words)
    assert printable(line) == line
    command = [need_tool("bash"), "-c", f"printf '%s\\0' {line}"]
    read = subprocess.run(command, capture_output=True, check=True).stdout
    assert read == "".join(f"{word}\0" for word in words or [""]).encode()


def test_a_name_that_is_not_utf8_keeps_its_bytes() -> None:
    assert shell_text(["\udcff\x01"]) == r"$'\377\001'"
    assert shell_text(["\ud800"]) == r"$'\355\240\200'"
    assert shell_text(["é"], "ascii") == r"$'\303\251'"
