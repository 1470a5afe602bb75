"""A layer's members by its table of contents: only the chunks of the wanted files are read."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import BinaryIO

from m2build.errors import ContentError
from m2build.layers.contents import Contents, most_content, most_headers, with_targets
from m2build.layers.held import layer_table
from m2build.layers.members import Wanted, subject
from m2build.layers.table_claims import TableClaim
from m2build.layers.table_entries import Chunk, Header, UnfitTableError
from m2build.layers.tables import Table
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image, fetched_again
from m2build.oci.layer import decompressed, most_bytes, named
from m2build.oci.parts import Bounded, part_of
from m2build.oci.tar import Member

_GAP = 256 << 10
"""Bytes between two chunks that are fetched along: another request takes longer."""
_UNKNOWN = "\ufffd"
"""What stands in a table for a byte of a name that is not UTF-8."""


def read_by_table(image: Image, layer: Descriptor, claim: TableClaim, wanted: Wanted) -> dict[str, Member]:
    """What `read_members` gives, by the layer's table, without reading the whole layer.

    Raises:
        UnfitTableError: that is not possible; the message says why.
        ContentError: the table or a chunk is not what its digest says, or the table contradicts itself, or has members
            that are refused in any layer.
    """

    def read() -> dict[str, Member]:
        with layer_table(image, layer, claim) as (table, stream):
            return with_targets(wanted, lambda paths: _read(table, stream, layer, paths)).members

    return fetched_again(read)


def _read(table: Table, stream: BinaryIO, layer: Descriptor, wanted: Wanted) -> Contents:
    """The wanted members; their contents are fetched once all are known, in the order of the blob."""
    try:
        "".join((*wanted.trees, *wanted.entries, *wanted.markers)).encode()
    except UnicodeEncodeError as error:
        raise UnfitTableError("the name of a wanted path is not UTF-8") from error
    found, promises = Contents(wanted, most_content(layer.size)), dict[bytes, Header]()

    def promise(info: tarfile.TarInfo) -> bytes:
        if not isinstance(info, Header) or not info.size:
            return b""
        key = len(promises).to_bytes(8)
        promises[key] = info
        return key

    found.add_all(_checked(found, table.headers(), wanted, most_headers(layer.size)), promise, partial(_unfit, layer))
    kept = {member.content for member in found.members.values() if member.content}
    contents = _fetched(stream, layer, {key: info for key, info in promises.items() if key in kept})
    for path, member in found.members.items():
        if member.content:
            found.members[path] = replace(member, content=contents[member.content])
    return found


def _unfit(layer: Descriptor, info: tarfile.TarInfo) -> Digest:
    """Leave a layer with a large file to be read whole: only its bytes prove the file's digest."""
    if info.size > (most := most_bytes(layer)):
        raise ContentError(f"the member {info.name[:200]!r} is larger than {most} bytes, the most of such a layer")
    raise UnfitTableError(f"{info.name[:200]!r} is too large to be held")


def _checked(found: Contents, headers: Iterable[Header], wanted: Wanted, most: int) -> Iterator[Header]:
    for number, info in enumerate(headers):
        if number >= most:
            raise ContentError(f"it has more than {most} headers, too many for its size")
        if _UNKNOWN in info.name + info.linkname and wanted.concerns(subject(found.path_of(info))):
            raise UnfitTableError(f"the name {info.name[:200]!r} is not UTF-8")
        yield info


def _fetched(stream: BinaryIO, layer: Descriptor, promises: Mapping[bytes, Header]) -> dict[bytes, bytes]:
    """The contents of files, by the keys of their headers."""
    owners = {chunk: key for key, info in promises.items() for chunk in info.chunks()}
    pieces: dict[bytes, list[bytes]] = {key: [] for key in promises}
    for span in _spans(sorted(owners, key=lambda chunk: chunk.offset)):
        for chunk, content in zip(span, _read_span(stream, layer, span), strict=True):
            pieces[owners[chunk]].append(content)
    return {key: b"".join(parts) for key, parts in pieces.items()}


def _spans(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """Chunks that are fetched by one request each."""
    span: list[Chunk] = []
    for chunk in chunks:
        if span and chunk.offset - span[-1].end > _GAP:
            yield span
            span = []
        span.append(chunk)
    if span:
        yield span


def _read_span(stream: BinaryIO, layer: Descriptor, chunks: list[Chunk]) -> Iterator[bytes]:
    """The contents of chunks that lie one after the other."""
    part = part_of(stream, chunks[0].offset, chunks[-1].end)
    if part is None:
        raise UnfitTableError("its place no longer sends parts of layers")
    with part:
        position = chunks[0].offset
        for chunk in chunks:
            Bounded(part, chunk.offset - position).skip_rest()
            stored = Bounded(part, chunk.end - chunk.offset)
            content = b""
            with suppress(ContentError), named(layer, ""):  # damaged bytes: their digest says so
                content = decompressed(io.BufferedReader(stored)).read(chunk.size)
            if hashlib.new(chunk.digest.algorithm, content).hexdigest() != chunk.digest.hex:
                raise ContentError(
                    f"a chunk at byte {chunk.offset} is not the one of its table of contents: "
                    f"its digest is not {chunk.digest}",
                    may_pass=bool(getattr(stream, "is_fetched", False)),
                )
            yield content
            stored.skip_rest()
            position = chunk.end
