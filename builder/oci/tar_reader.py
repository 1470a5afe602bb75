"""Untrusted tars, read header by header: damaged or endless ones are refused, never skipped over."""

from __future__ import annotations

import itertools
import re
import struct
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Protocol, Self, cast

from m2build.errors import ContentError

LARGEST_HEADER = 1 << 20
"""Bytes of all headers of one member: long names, PAX records, sparse maps. Go's archive/tar, which reads layers for
docker, podman and containerd, has the same limit."""


class Seekable(Protocol):
    """The file that a tar is read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; fewer only at the end."""

    def seek(self, position: int, /) -> int:
        """Move to a position."""

    def tell(self) -> int:
        """The position."""


class StrictTar(tarfile.TarFile):
    """A tar that is read once from start to end, without keeping its members.

    As in Go's archive/tar, an empty file is a tar without members, the end marker and the padding before it may be
    missing, and PAX's global headers are ignored.
    """

    def __init__(self, file: Seekable, *, most: int, header: type[StrictTarInfo] | None = None) -> None:
        """Read the first header.

        Args:
            file: where the tar is, at its beginning.
            most: how many headers it may have.
            header: how headers are read; None for `StrictTarInfo`.

        Raises:
            tarfile.TarError: the first header is damaged.
            ContentError: the first header is too large.
        """
        self._most = most
        self._count = 0
        self._content_end = 0
        self._meter = _Meter(file)
        super().__init__(fileobj=cast("BinaryIO", self._meter), tarinfo=header or StrictTarInfo, errorlevel=2)
        self._content_end = 0  # the first header comes once more, with the content still to be read

    def headers(self) -> Iterator[tarfile.TarInfo]:
        """The members, one after the other.

        Raises:
            tarfile.TarError: a header is damaged or cut.
            ContentError: the headers of one member are too large, or there are too many.
        """
        while info := self.next():
            yield info

    def next(self) -> tarfile.TarInfo | None:
        """The next member."""
        if self._ends_in_padding():
            return None
        self.pax_headers = _Ignored()
        self._meter.left = LARGEST_HEADER
        try:
            info = super().next()
        except _FOREIGN as error:
            raise tarfile.ReadError(f"a damaged header at byte {self.offset}: {error}") from error
        finally:
            self._meter.left = None
            self.members: list[tarfile.TarInfo] = []
        self._content_end = info.offset_data + info.size if info and info.isreg() and not info.issparse() else 0
        return info

    def _ends_in_padding(self) -> bool:
        """Whether the archive has the last member's content, and ends before the next block, as Go's reader allows."""
        padding = self.offset - self._content_end
        if not self._content_end or not 0 < padding < tarfile.BLOCKSIZE:
            return False
        if self._meter.tell() < self._content_end:
            self._meter.seek(self._content_end - 1)
            if not self._meter.read(1):
                return False
        return len(self._meter.read(padding)) < padding

    def count_header(self) -> None:
        """Count a header.

        Raises:
            ContentError: there are too many.
        """
        self._count += 1
        if self._count > self._most:
            raise ContentError(f"it has more than {self._most} headers, too many for its size")


_FOREIGN = (ValueError, OverflowError, LookupError, AttributeError, TypeError, RecursionError)
"""Other errors that tarfile raises for malformed headers."""


class StrictTarInfo(tarfile.TarInfo):
    """A header that must be valid: tarfile by itself takes the first damaged one for the archive's end."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """The next header.

        Raises:
            tarfile.ReadError: it is damaged or cut, or its size is negative (CVE-2025-8194), or data
                follows the archive's end, which some tools read and others ignore.
            tarfile.HeaderError: this is the archive's regular end.
        """
        if isinstance(archive, StrictTar):
            archive.count_header()
        try:
            info = super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if type(error).__name__ not in _ENDS:
                raise tarfile.ReadError(f"a damaged header at byte {archive.offset}: {error}") from error
            if any(archive.fileobj.read(tarfile.BLOCKSIZE)):
                raise tarfile.ReadError(f"data follows its end at byte {archive.offset}") from error
            raise _END("the end") from error
        if info.size < 0:
            raise tarfile.ReadError(f"the member {info.name!r} has the size {info.size}")
        for key, value in info.pax_headers.items():
            if value and not _is_pax(key, value):
                raise tarfile.ReadError(f"the member {info.name!r} has the PAX record {key[:40]}={value[:40]!r}")
        return info

    def _apply_pax_info(self, pax_headers: Mapping[str, str], encoding: str, errors: str) -> None:
        """Take over PAX records; one without a value leaves what the header says, as in Go's archive/tar."""
        said = {key: value for key, value in pax_headers.items() if value or key not in tarfile.PAX_FIELDS}
        super()._apply_pax_info(said, encoding, errors)  # type: ignore[misc]  # tarfile's own, not in the stub

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """A header from its block; the size of an extension header is checked too."""
        info = cls._plain(buf, encoding, errors) or super().frombuf(buf, encoding, errors)
        if info.size < 0:
            raise tarfile.ReadError(f"the member {info.name!r} has the size {info.size}")
        return info

    @classmethod
    def _plain(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self | None:
        """What tarfile makes of a header without peculiarities, in a third of the time; None for any other header."""
        if len(buf) != tarfile.BLOCKSIZE or buf[156:157] not in _PLAIN_TYPES:
            return None
        name, *numbers, checksum, kind, link, _, user, group, major, minor, prefix = _FIELDS.unpack(buf)
        try:
            mode, uid, gid, size, mtime = [int(number.partition(b"\0")[0], 8) for number in numbers]
            stated = int(checksum.partition(b"\0")[0], 8)
        except ValueError:
            return None
        if stated != _sum(buf[:256]) + _sum(buf[256:]) - sum(checksum) + _BLANK or (major, minor) not in _NO_DEVICE:
            return None
        info = cls()
        info.name, info.linkname, info.uname, info.gname, folder = [
            text.partition(b"\0")[0].decode(encoding, errors) for text in (name, link, user, group, prefix)
        ]
        info.mode, info.uid, info.gid, info.size, info.mtime = mode, uid, gid, size, mtime
        info.chksum, info.type = stated, kind
        if kind == tarfile.DIRTYPE:
            info.name = info.name.rstrip("/")
        if folder:
            info.name = f"{folder}/{info.name}"
        return info


_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")
"""A header (POSIX pax, "ustar Interchange Format"): name, mode, uid, gid, size, mtime, checksum, type, link's target,
magic and version, user, group, device numbers, prefix."""
_PLAIN_TYPES = frozenset({tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.XHDTYPE})
_NO_DEVICE = frozenset(itertools.product((b"0000000\0", bytes(8)), repeat=2))
_BLANK = 8 * ord(" ")
"""What the checksum's own bytes count as."""


def _sum(block: bytes | bytearray) -> int:
    """The sum of at most 256 bytes: the lower half of their Adler-32, whose modulus they cannot reach, less its 1."""
    return (zlib.adler32(block) & 0xFFFF) - 1


_ENDS = ("EOFHeaderError", "EmptyHeaderError")
"""tarfile's errors for the regular end of an archive; they are not documented."""

_END: type[tarfile.HeaderError] = getattr(tarfile, _ENDS[0])
"""The one of them that is regular for an archive without any header too."""


_PAX_NUMBERS = {
    **dict.fromkeys(("uid", "gid", "size"), re.compile(r"[+-]?[0-9]{1,19}")),
    **dict.fromkeys(("mtime", "atime", "ctime"), re.compile(r"[+-]?[0-9]{1,19}(\.[0-9]*)?")),
    **dict.fromkeys(("GNU.sparse.size", "GNU.sparse.realsize", "GNU.sparse.map"), re.compile(r"[0-9,]*")),
}


def _is_pax(key: str, value: str) -> bool:
    """Whether Go's archive/tar accepts a PAX record; tarfile reads a malformed number as 0."""
    if key in ("path", "linkpath", "uname", "gname"):
        return "\0" not in value
    number = _PAX_NUMBERS.get(key)
    return number is None or number.fullmatch(value) is not None


class _Ignored(dict[str, str]):
    """PAX's global headers, which are ignored."""

    def __setitem__(self, key: str, value: str) -> None:
        pass

    def copy(self) -> dict[str, str]:
        return {}


class _Meter:
    """A file that limits how many bytes are read for one member's headers."""

    def __init__(self, file: Seekable) -> None:
        self._file = file
        self.left: int | None = None

    def read(self, size: int) -> bytes:
        if self.left is not None:
            self.left -= size
            if self.left < 0:
                raise ContentError(
                    f"the headers of a member at byte {self._file.tell()} are larger than {LARGEST_HEADER} bytes"
                )
        return self._file.read(size)

    def seek(self, position: int) -> int:
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()
