"""The entries of a layer's table of contents as headers of a tar, one after the other, in bounded memory.

zstd:chunked and eStargz write the same document (https://github.com/containerd/stargz-snapshotter, docs/estargz.md):
`{"version": 1, "entries": [...]}`, an entry for each member of the tar in its order, and one more for each further
chunk of a file.
"""

from __future__ import annotations

import base64
import codecs
import json
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO

from m2build.errors import ContentError
from m2build.oci.descriptor import JsonObject
from m2build.oci.digest import Digest
from m2build.oci.tar import XATTR

_VERSION = 1
_PIECE = 1 << 18
_LARGEST_ENTRY = 4 << 20
"""Characters of one entry: a name and a link of 4 KiB each, and extended attributes, of which a tar allows 1 MiB."""
_KINDS = {
    "reg": tarfile.REGTYPE,
    "dir": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "hardlink": tarfile.LNKTYPE,
    "char": tarfile.CHRTYPE,
    "block": tarfile.BLKTYPE,
    "fifo": tarfile.FIFOTYPE,
}
_TIME = re.compile(r"(?P<second>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8})(?P<fraction>\.[0-9]+)?(?P<zone>Z|[+-][0-9:]{5})")
_NO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time."""


class UnfitTableError(Exception):
    """A table that is not understood, or not enough for m2build: the layer has to be read whole."""


@dataclass
class Part:
    """A part of a file, compressed by itself.

    Attributes:
        entry: its entry in the table.
        offset: where it begins in the blob.
        end: before which byte it ends; known once the entries after it have been read.
    """

    entry: JsonObject
    offset: int
    end: int


@dataclass(frozen=True)
class Chunk:
    """A part of a file, as the table has it: where it is, how large it is uncompressed, and the digest of that."""

    offset: int
    end: int
    size: int
    digest: Digest


class Header(tarfile.TarInfo):
    """A member's header after the table.

    Attributes:
        parts: of a regular file that is not empty; nothing about them is checked but that they do not overlap.
    """

    parts: list[Part]

    def chunks(self) -> tuple[Chunk, ...]:
        """The file's parts in their order.

        Raises:
            UnfitTableError: one has no digest, or is compressed together with others.
            ContentError: parts are missing, or are not as large as the file.
        """
        found: list[Chunk] = []
        position = 0
        for part in self.parts:
            if part.entry.get("innerOffset"):
                raise UnfitTableError(f"several files are compressed together, such as {self.name[:200]!r}")
            start, size = number_in(part.entry, "chunkOffset"), number_in(part.entry, "chunkSize")
            size = size or self.size - position
            if start != position or size <= 0:
                break
            whole = part.entry.get("digest") if len(self.parts) == 1 else None
            found.append(Chunk(part.offset, part.end, size, _digest(part.entry.get("chunkDigest") or whole, self.name)))
            position += size
        if position != self.size or len(found) != len(self.parts):
            raise ContentError(f"its table of contents contradicts itself: the chunks of {self.name[:200]!r}")
        return tuple(found)


def entries_of(stream: BinaryIO) -> Iterator[object]:
    """The entries of a table, not yet looked at; the document is never held as a whole.

    Raises:
        UnfitTableError: it is not such a document, or of another version.
    """
    text = _Text(stream)
    try:
        text.expect("{")
        before: dict[object, object] = {}
        while (key := text.value()) != "entries":
            text.expect(":")
            before[str(key)] = text.value()
            text.expect(",")
        if before.get("version") != _VERSION:
            raise UnfitTableError(f"its version is {str(before.get('version'))[:40]}, not {_VERSION}")
        text.expect(":")
        text.expect("[")
        while not text.has("]"):
            yield text.value()
            text.has(",")
    except (ValueError, RecursionError) as error:
        raise UnfitTableError("it is not JSON of the expected form") from error


class _Text:
    """A stream of JSON, value by value."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = json.JSONDecoder().raw_decode
        self._decoded = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0

    def has(self, sign: str) -> bool:
        """Whether a sign comes next; it is passed then."""
        self._skip_space()
        found = self._text[self._at] == sign
        self._at += found
        return found

    def expect(self, sign: str) -> None:
        """Pass a sign."""
        if not self.has(sign):
            raise ValueError(f"there is no {sign}")

    def value(self) -> object:
        """The next value."""
        self._skip_space()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except ValueError:
                if not self._more():
                    raise
                continue
            if end < len(self._text) or not self._more():
                self._at = end
                return value

    def _skip_space(self) -> None:
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return
            if not self._more():
                raise ValueError("it ends too soon")

    def _more(self) -> bool:
        data = self._stream.read(_PIECE)
        if len(self._text) - self._at > _LARGEST_ENTRY:
            return False
        self._text, self._at = self._text[self._at :] + self._decoded.decode(data, final=not data), 0
        return bool(data)


def headers_of(entries: Iterable[object], end: int) -> Iterator[Header]:
    """The members of a layer.

    Args:
        entries: of its table.
        end: where the files end in the blob.

    Raises:
        UnfitTableError: an entry is not understood.
        ContentError: the parts of files overlap, or lie outside of the blob.
    """
    current: Header | None = None
    last: Part | None = None
    for entry in entries:
        if not isinstance(entry, dict):
            raise UnfitTableError("an entry is not an object")
        part = _part(entry, last, end)
        if entry.get("type") != "chunk":
            if current:
                yield current
            current = _header(entry)
        elif current is None or part is None or current.name != entry.get("name"):
            raise ContentError("its table of contents contradicts itself: a chunk belongs to no file")
        if part and current.isreg():
            current.parts.append(part)
        last = part or last
    if current:
        yield current


def _part(entry: JsonObject, last: Part | None, end: int) -> Part | None:
    """The part of a file that an entry describes, which ends the part before it; None if it describes no part."""
    offset = number_in(entry, "offset")
    if not offset:
        return None
    if offset >= end or (last and offset <= last.offset):
        raise ContentError("its table of contents contradicts itself: files overlap, or lie outside of it")
    if last:
        last.end = offset
    return Part(entry, offset, end)


def _header(entry: JsonObject) -> Header:
    kind, name, target = _KINDS.get(str(entry.get("type"))), entry.get("name"), entry.get("linkName", "")
    if kind is None or not isinstance(name, str) or not isinstance(target, str):
        raise UnfitTableError(f"the entry of {str(name)[:200]!r} has the type {str(entry.get('type'))[:40]!r}")
    info = Header(name)
    info.type, info.linkname, info.parts = kind, target, []
    info.size = number_in(entry, "size") if info.isreg() else 0
    info.mode, info.uid, info.gid = (number_in(entry, key) for key in ("mode", "uid", "gid"))
    info.mtime = _seconds(entry.get("modtime"))
    info.pax_headers = _attributes(entry.get("xattrs"), name)
    return info


def number_in(entry: JsonObject, key: str) -> int:
    """A number of an entry; 0 if it is not there.

    Raises:
        UnfitTableError: it is not a number, or a negative one.
    """
    value = entry.get(key, 0)
    if type(value) is not int or value < 0:
        raise UnfitTableError(f"{key} is {str(value)[:40]!r}")
    return value


def _digest(value: object, name: str) -> Digest:
    try:
        return Digest.parse(value)
    except ContentError as error:
        raise UnfitTableError(f"{name[:200]!r} has no digest of a known kind") from error


@lru_cache(maxsize=1024)
def _seconds(text: object) -> float:
    """A time as tarfile has it: with the same rounding of fractions."""
    if text in (None, "", _NO_TIME):
        return 0
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    try:
        if found:
            second = int(datetime.fromisoformat(found["second"] + found["zone"]).timestamp())
            fraction = found["fraction"] or ""
            return float(f"{second}{fraction}") if second >= 0 else second + float(f"0{fraction}")
    except (ValueError, OverflowError):
        pass
    raise UnfitTableError(f"the time {str(text)[:40]!r} is not valid")


def _attributes(value: object, name: str) -> dict[str, str]:
    """Extended attributes as PAX records; the table has their values as base64."""
    if value is None:
        return {}
    try:
        if isinstance(value, dict):
            return {
                XATTR + key: base64.b64decode(text, validate=True).decode("utf-8", "surrogateescape")
                for key, text in value.items()
            }
    except (ValueError, TypeError):
        pass
    raise UnfitTableError(f"the extended attributes of {name[:200]!r} are not base64")
