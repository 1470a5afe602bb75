"""`FoundDiff`: a diff with what its own header says of it, after DEP-3, as mail, or as plain words.

DEP-3, "Patch Tagging Guidelines": https://dep-team.pages.debian.net/deps/dep3/. Mails are those of git-format-patch(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import Parser
from email.utils import parsedate_to_datetime

from m2build.documents.arguments import typed_arguments

_MAIL = re.compile(rb"^From [0-9a-f]{40} Mon Sep 17 00:00:00 2001\r?$", re.MULTILINE)
_DIFF = re.compile(rb"^(diff --git |Index: |--- |\*\*\* )", re.MULTILINE)
_FIELD = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:")
_NUMBER = re.compile(r"^(\[[^\]]*\]\s*)+")
_ADDRESS = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class FoundDiff:
    """A diff, and what is known of it.

    Attributes:
        name: what to call the vendored file.
        content: its bytes, header included.
        strip: how many parts of each name are not part of the path.
        summary: one line: what changes; empty if nothing says so.
        why: the description below it; empty if there is none.
        author: one line; empty if nothing says who.
        last_update: the day of the diff, as YYYY-MM-DD; empty if nothing says when.
        origin: DEP-3: where it comes from.
        applied_upstream: DEP-3: the release, address or commit that has it upstream.
        references: addresses of issues and pull requests.
    """

    name: str
    content: bytes
    strip: int = 1
    summary: str = ""
    why: str = ""
    author: str = ""
    last_update: str = ""
    origin: str | None = None
    applied_upstream: str | None = None
    references: tuple[str, ...] = ()


@typed_arguments
def diffs_in(name: str, content: bytes) -> tuple[FoundDiff, ...]:
    """The diffs in a file: one a mail, if it holds mails, else one.

    Args:
        name: the file's name.
        content: its bytes.
    """
    starts = [match.start() for match in _MAIL.finditer(content)]
    if len(starts) < 2:
        return (_described(name, content),)
    ends = [*starts[1:], len(content)]
    stem, dot, suffix = name.rpartition(".")
    return tuple(
        _described(f"{stem or name}-{number}{dot}{suffix if stem else ''}", content[start:end])
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1)
    )


def _described(name: str, content: bytes) -> FoundDiff:
    plain = FoundDiff(name, content)
    first = _DIFF.search(content)
    head = content[: first.start()] if first else b""
    head = _MAIL.sub(b"", head, count=1).lstrip()
    if not _FIELD.match(head):
        summary, _, why = _text(head).partition("\n")
        return replace(plain, summary=_line(summary), why=_prose(why))
    message = Parser().parsestr(_text(head))
    summary, _, rest = _first(message, "Description").partition("\n")
    body = message.get_payload()
    return replace(
        plain,
        summary=_line(_NUMBER.sub("", summary or _first(message, "Subject"))),
        why="\n\n".join(filter(None, (_unfolded(rest), _prose(body if isinstance(body, str) else "")))),
        author=_line(_first(message, "Author", "From")),
        last_update=day(_first(message, "Last-Update", "Date")),
        origin=_line(_first(message, "Origin")) or None,
        applied_upstream=_line(_first(message, "Applied-Upstream")) or None,
        references=tuple(_addresses(message)),
    )


def _first(message: Message, *names: str) -> str:
    """The first of some fields that is there, with its line ends."""
    return next((_decoded(message[name]) for name in names if message[name]), "")


def _decoded(field: str) -> str:
    """A field without RFC 2047's encoding; as it stands, if that encoding is unknown or broken."""
    try:
        return str(make_header(decode_header(field)))
    except (LookupError, ValueError, MessageError):
        return field


def _addresses(message: Message) -> Iterator[str]:
    for name, value in message.items():
        if name.lower().startswith("bug"):
            yield from _ADDRESS.findall(value)


def _text(head: bytes) -> str:
    return head.decode(errors="replace").strip()


def _unfolded(text: str) -> str:
    """The further lines of a DEP-3 description: a lone full stop is an empty line."""
    lines = (line.removeprefix(" ") for line in text.splitlines())
    return "\n".join("" if line.strip() == "." else line for line in lines).strip()


def _prose(text: str) -> str:
    """Text above the line of three dashes, where git's summary of the files begins."""
    return re.split(r"^---\s*$", text, maxsplit=1, flags=re.MULTILINE)[0].strip()


def _line(text: str) -> str:
    return " ".join(text.split())


def day(text: str) -> str:
    """The day of a date, as YYYY-MM-DD; empty if the text is none."""
    if not text:
        return ""
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except ValueError:
        return ""
