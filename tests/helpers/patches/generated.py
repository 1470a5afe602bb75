"""Random Python files around one edit, assembled from pieces, so that the expected bytes are known."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

TEXT = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"], exclude_characters="\"'\\{}"), max_size=12)
INDENTS = st.sampled_from(["    ", "  ", "\t", " \t", "        "])
ENCODINGS = st.sampled_from(
    [
        ("utf-8", b"", ""),
        ("utf-8", b"\xef\xbb\xbf", ""),
        ("utf-8", b"\xef\xbb\xbf", "# coding: utf-8\n"),
        ("latin-1", b"", "# -*- coding: latin-1 -*-\n"),
        ("cp1252", b"", "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n"),
    ]
)
PIECES = st.one_of(
    TEXT.map("# {}\n".format),
    TEXT.map("s = '{0}'  # {0}\n".format),
    TEXT.map('d = """{0}\n\n  {0}\n"""\n'.format),
    st.sampled_from(["\n", "   \n", "\x0c\n", "v = 1; w = 2;\n", "y = 1 + \\\n  2\n", "x = [\n1,\n\n]\n"]),
    st.sampled_from(["if 1:\n\tpass\n", "def g(a, *, b=1): return a\n", "class K:\n\n  v = 1\n", "import os, sys\n"]),
)


@dataclass(frozen=True)
class Source:
    """A file before and after the edit."""

    before: bytes
    after: bytes


@dataclass(frozen=True)
class Part:
    """Text before and after an edit, in corresponding lines that end in \\n; a removed line is None."""

    before: list[str]
    after: list[str | None]


@st.composite
def sources(draw: st.DrawFn, parts: st.SearchStrategy[Part], *, ends: tuple[str, ...] = ("\n", "\r\n", "\r")) -> Source:
    """Random code around one edit, in a random encoding, with random line ends, with or without a final one."""
    codec, mark, cookie = draw(ENCODINGS)
    part = draw(parts)
    head, tail = (lines_of(text + "".join(draw(st.lists(PIECES, max_size=4)))) for text in (cookie, ""))
    before = [*head, *part.before, *tail]
    after = [*head, *part.after, *tail]
    usual = draw(st.sampled_from(ends))
    mixed = draw(st.booleans())
    line_ends = [draw(st.sampled_from(ends)) if mixed else usual for _ in before]
    for number, line in enumerate(before[1:], 1):
        if line == "\n" and line_ends[number - 1] == "\r":
            line_ends[number] = "\r"  # \r and \n with nothing between would be one line end
    if draw(st.booleans()) and after[-1] is not None:
        line_ends[-1] = ""

    def encoded(lines: list[str] | list[str | None]) -> bytes:
        ended = [line[:-1] + end for line, end in zip(lines, line_ends, strict=True) if line is not None]
        return mark + "".join(ended).encode(codec)

    return Source(encoded(before), encoded(after))


def lines_of(text: str) -> list[str]:
    return [f"{line}\n" for line in text.split("\n")[:-1]]
