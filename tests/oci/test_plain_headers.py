"""Headers of tars without peculiarities are parsed here and not by tarfile: both read the same in each."""

from __future__ import annotations

import tarfile

import pytest
from helpers.support import in_shares
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.oci.tar_reader import StrictTarInfo

FIELDS = ("name", "mode", "uid", "gid", "size", "mtime", "chksum", "type", "linkname", "uname", "gname")
PLACES = ("devmajor", "devminor")
TYPES = [*b"01250125x", *b"6LKSgZ\0"]
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
numbers = st.one_of(st.integers(0, 0o7777777), st.integers(-5, 1 << 40))


def sealed(block: bytes) -> bytes:
    """The block with its right checksum."""
    blank = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(blank) + block[156:]


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    info = tarfile.TarInfo(draw(names) + draw(st.sampled_from(["", "/", "//", "/a" * 70])))
    info.linkname, info.uname, info.gname = draw(names), draw(names), draw(names)
    info.mode, info.uid, info.gid, info.mtime = draw(numbers) & 0o7777, draw(numbers), draw(numbers), draw(numbers)
    info.size, info.type = abs(draw(numbers)), bytes([draw(st.sampled_from(TYPES))])
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")[-512:])
    block[329:345] = draw(st.sampled_from([bytes(8), b"0000000\0", b"0000000\0", b"0000010\0", b"0000009\0"])) * 2
    prefix = draw(st.sampled_from([b"", b"folder", b"\xff/a"]))
    block[345 : 345 + len(prefix)] = prefix
    for position, value in draw(
        st.lists(st.tuples(st.integers(0, 511), st.sampled_from(b"\0 078_-+o\x80\xffa")), max_size=1)
    ):
        block[position] = value
    return sealed(bytes(block)) if draw(st.integers(0, 9)) else bytes(block)


def read(kind: type[tarfile.TarInfo], block: bytes) -> dict[str, object] | str:
    try:
        info = kind.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        return type(error).__name__
    return {name: getattr(info, name) for name in (*FIELDS, *PLACES)}


@in_shares(5)
@settings(max_examples=100)
@given(headers())
def test_a_header_says_what_tarfile_reads_in_it(share: int, block: bytes) -> None:
    expected = read(tarfile.TarInfo, block)
    if isinstance(expected, dict) and isinstance(expected["size"], int) and expected["size"] < 0:
        with pytest.raises(tarfile.ReadError):
            StrictTarInfo.frombuf(block, "utf-8", "surrogateescape")
    else:
        assert read(StrictTarInfo, block) == expected


@given(st.integers(0, 511), st.integers(1, 255))
def test_one_altered_byte_is_noticed(position: int, change: int) -> None:
    block = bytearray(sealed(tarfile.TarInfo("a" * 99).tobuf(tarfile.USTAR_FORMAT)))
    block[position] ^= change
    assert read(StrictTarInfo, bytes(block)) == read(tarfile.TarInfo, bytes(block))
    if position not in range(148, 156):
        assert read(StrictTarInfo, bytes(block)) == "InvalidHeaderError"
