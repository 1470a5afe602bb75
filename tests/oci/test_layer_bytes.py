"""Tar and gzip streams that m2build writes, read back by tarfile, zlib, GNU tar and gzip."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
import zlib
from pathlib import Path

import pytest
from helpers.support import in_shares, need_tool
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.oci.gzip import stored_gzip
from m2build.oci.tar import Kind, Member, write_tar

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=120).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) < 256
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
NUMBERS = st.integers(0, 0o7777777) | st.integers(0o10000000, 2**31)


@st.composite
def members(draw: st.DrawFn) -> Member:
    kind = draw(st.sampled_from([Kind.FILE, Kind.FOLDER, Kind.SYMLINK]))
    return Member(
        draw(PATHS),
        kind,
        mode=draw(st.integers(0, 0o7777)),
        uid=draw(NUMBERS),
        gid=draw(NUMBERS),
        mtime=draw(st.integers(0, 2**34)),
        content=draw(st.binary(max_size=1500)) if kind is Kind.FILE else b"",
        target=draw(PATHS) if kind is Kind.SYMLINK else "",
        xattrs=draw(st.dictionaries(st.just("SCHILY.xattr.user.a"), st.text("ab=\n", min_size=1))),
    )


def read_back(info: tarfile.TarInfo, archive: tarfile.TarFile) -> Member:
    kind = {tarfile.REGTYPE: Kind.FILE, tarfile.DIRTYPE: Kind.FOLDER, tarfile.SYMTYPE: Kind.SYMLINK}[info.type]
    stream = archive.extractfile(info) if kind is Kind.FILE else None
    content = stream.read() if stream else b""
    xattrs = {key: value for key, value in info.pax_headers.items() if key.startswith("SCHILY")}
    assert (info.uname, info.gname) == ("", "")
    return Member(info.name, kind, info.mode, info.uid, info.gid, int(info.mtime), content, info.linkname, xattrs)


@in_shares(5)
@settings(max_examples=20, deadline=None)
@given(st.lists(members(), max_size=6, unique_by=lambda member: member.path))
def test_a_tar_reads_back_as_what_was_written(share: int, wanted: list[Member]) -> None:
    data = write_tar(wanted)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert [read_back(info, archive) for info in archive] == sorted(wanted, key=lambda member: member.path)
    assert data == write_tar(reversed(wanted))
    assert data.endswith(bytes(1024))
    assert len(data) % 512 == 0


def test_plain_names_need_no_pax_records() -> None:
    tar = write_tar([Member("a/" + "b" * 90, Kind.FILE, content=b"x"), Member("a", Kind.FOLDER, mode=0o755)])
    assert len(tar) == 512 + 512 + 512 + 1024
    assert b"PaxHeader" not in tar


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="'a'"):
        write_tar([Member("a", Kind.FILE), Member("a", Kind.FOLDER)])


def test_gnu_tar_lists_what_was_written(tmp_path: Path) -> None:
    long = "d/" + "n" * 150 + "/" + "ü" * 60
    path = tmp_path / "t.tar"
    path.write_bytes(
        write_tar(
            [
                Member("d", Kind.FOLDER, mode=0o1777, mtime=1),
                Member("d/f", Kind.FILE, mode=0o640, uid=5, gid=6, mtime=1_700_000_000, content=b"12345"),
                Member("d/s", Kind.SYMLINK, mode=0o777, target="f"),
                Member(long, Kind.FILE),
            ]
        )
    )
    environment = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    command = [need_tool("tar"), "--numeric-owner", "--full-time", "--quoting-style=literal", "-tvf", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert [line.split() for line in run.stdout.splitlines()] == [
        ["drwxrwxrwt", "0/0", "0", "1970-01-01", "00:00:01", "d/"],
        ["-rw-r-----", "5/6", "5", "2023-11-14", "22:13:20", "d/f"],
        ["-rw-r--r--", "0/0", "0", "1970-01-01", "00:00:00", long],
        ["lrwxrwxrwx", "0/0", "0", "1970-01-01", "00:00:00", "d/s", "->", "f"],
    ]
    assert run.stderr == ""


SIZES = [0, 1, 65534, 65535, 65536, 131069, 131070, 131071, 200_000]


@pytest.mark.parametrize("size", SIZES)
def test_stored_gzip_is_gzip(size: int, tmp_path: Path) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    stored = stored_gzip(data[:size])
    assert gzip.decompress(stored) == data[:size]
    assert len(stored) == 10 + 5 * max(1, -(-size // 65535)) + size + 8
    assert stored[:10] == bytes.fromhex("1f8b08000000000000ff")
    path = tmp_path / "x.gz"
    path.write_bytes(stored)
    subprocess.run([need_tool("gzip"), "-t", str(path)], check=True)


@given(st.binary(max_size=70_000))
@settings(deadline=None, max_examples=40)
def test_stored_gzip_inflates_in_one_stream(data: bytes) -> None:
    inflater = zlib.decompressobj(wbits=31)
    assert inflater.decompress(stored_gzip(data)) == data
    assert inflater.eof
    assert inflater.unused_data == b""
