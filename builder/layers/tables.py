"""Tables of contents that layers bring along, zstd:chunked's and eStargz's, checked against the manifest.

A manifest's annotations have the digest of a layer's table, and the table has the digest of each chunk of each file.
So the files that are wanted can be fetched and checked without the others. What is so read rests on the table: only
who reads the layer to its end knows that its tar holds the same.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from m2build.errors import ContentError
from m2build.layers.forward import ForwardFile
from m2build.layers.table_claims import TableClaim
from m2build.layers.table_entries import Header, UnfitTableError, entries_of, headers_of
from m2build.local.temporary import temporary_place
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import VerifiedReader
from m2build.oci.layer import decompressed, named
from m2build.oci.parts import Bounded, part_of
from m2build.oci.tar_reader import StrictTar

_POSITION = re.compile(r"([0-9]{1,18}):([0-9]{1,18}):[0-9]{1,18}:([0-9]{1,18})")
"""Of the compressed table in the blob: offset, length, length when it is decompressed, and what kind of table it is."""
_CRFS = "1"
_FOOTER = re.compile(rb"\x1f\x8b\x08\x04.{6}\x1a\0SG\x16\0([0-9a-f]{16})STARGZ\x01\0\0\xff\xff\0{8}", re.DOTALL)
"""The last bytes of an eStargz blob: an empty gzip member, whose extra field has the offset of the table."""
_FOOTER_SIZE = 51
_INDEX = "stargz.index.json"
_LARGEST = 256 << 20
"""Bytes of a compressed table; one of a million files has some 100 MB."""
_LARGEST_INFLATED = 2 << 30
_PIECE = 1 << 18


@dataclass(frozen=True)
class Table:
    """A layer's table, checked against its digest.

    Attributes:
        file: its bytes as they are stored; at its position nothing is known.
        size: how many they are.
        end: where the table begins in the blob, and the files end.
        is_index: whether it is in a tar, as in eStargz.
    """

    file: IO[bytes]
    size: int
    end: int
    is_index: bool

    def headers(self) -> Iterator[Header]:
        """The members of the layer.

        Raises:
            UnfitTableError: it is not understood.
            ContentError: it contradicts itself.
        """
        with self.document() as stream:
            yield from headers_of(entries_of(stream), self.end)

    @contextmanager
    def document(self) -> Iterator[BinaryIO]:
        """Its JSON.

        Raises:
            UnfitTableError: it is not where it should be.
        """
        self.file.seek(0)
        stored = Bounded(cast("BinaryIO", self.file), self.size)
        stream = VerifiedReader(decompressed(io.BufferedReader(stored)), None, largest=_LARGEST_INFLATED)
        if not self.is_index:
            yield cast("BinaryIO", stream)
            return
        try:
            archive = StrictTar(ForwardFile(cast("BinaryIO", stream)), most=1)
            info = next(archive.headers(), None)
        except (tarfile.TarError, UnicodeError, ValueError) as error:
            raise UnfitTableError("it is not in a tar of its own") from error
        file = archive.extractfile(info) if info and info.name == _INDEX and info.isreg() else None
        if file is None:
            raise UnfitTableError(f"it is not called {_INDEX}")
        yield cast("BinaryIO", file)


def read_table(stream: BinaryIO, layer: Descriptor, claim: TableClaim) -> Table:
    """Fetch a layer's table; its file has no name, and is the caller's to close.

    Args:
        stream: the layer, of which only parts are read.
        layer: its descriptor.
        claim: what the manifest says of its table.

    Raises:
        UnfitTableError: the layer cannot be read in parts, or what is there is not understood.
        ContentError: the table is not the one that the manifest names.
    """
    first, end, is_index = _place(stream, layer, claim)
    if end - first > _LARGEST:
        raise UnfitTableError(f"it has {end - first} bytes")
    with ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile(dir=temporary_place()))
            with _part(stream, first, end) as part:
                shutil.copyfileobj(part, file, _PIECE)
        except OSError as error:
            raise UnfitTableError(f"it cannot be written down: {error.strerror}") from error
        table = Table(file, end - first, first, is_index)
        if _digest_of(table, layer, claim.digest.algorithm) != claim.digest.hex:
            raise ContentError(
                f"its table of contents is altered: its digest is not {claim.digest}",
                may_pass=bool(getattr(stream, "is_fetched", False)),
            )
        stack.pop_all()
    return table


def _digest_of(table: Table, layer: Descriptor, algorithm: str) -> str:
    """The digest that annotations have: of the JSON in a tar, or else of what is stored; none if that is damaged."""
    found = hashlib.new(algorithm)
    if table.is_index:
        with suppress(ContentError), named(layer, ""), table.document() as document:
            while data := document.read(_PIECE):
                found.update(data)
            return found.hexdigest()
        return ""
    table.file.seek(0)
    while data := table.file.read(_PIECE):
        found.update(data)
    return found.hexdigest()


def _place(stream: BinaryIO, layer: Descriptor, claim: TableClaim) -> tuple[int, int, bool]:
    """Where the table begins and ends in the blob, and whether it is in a tar."""
    if claim.position is None:
        with _part(stream, layer.size - _FOOTER_SIZE, layer.size) as part:
            footer = _FOOTER.fullmatch(part.read(-1))
        if footer is None:
            raise UnfitTableError("the layer does not end as eStargz does")
        first, end = int(footer[1], 16), layer.size - _FOOTER_SIZE
    else:
        numbers = _POSITION.fullmatch(claim.position)
        if numbers is None or numbers[3] != _CRFS:
            raise UnfitTableError(f"its position is {claim.position[:80]!r}")
        first = int(numbers[1])
        end = first + int(numbers[2])
    if not 0 <= first < end <= layer.size:
        raise ContentError(f"its table of contents is said to be at the bytes {first} to {end}, outside of the layer")
    return first, end, claim.position is None


def _part(stream: BinaryIO, first: int, end: int) -> BinaryIO:
    part = part_of(stream, first, end)
    if part is None:
        raise UnfitTableError(f"{getattr(stream, 'name', 'its place')} does not send parts of layers")
    return part
