"""Layers with paths outside, false headers, endless data or bombs: refused by digest and member; nothing is written."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.commands import refused
from helpers.images import Entry, compressed, file, folder, hardlink, image, symlink, tar
from helpers.support import need_tool

from m2build.errors import ContentError
from m2build.layers.filesystem import read_filesystem
from m2build.layers.members import Wanted
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image, MemoryBlobs
from m2build.oci.manifest import build_manifest
from m2build.oci.media_types import OCI
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent

W, W_TREE = folder("w"), Wanted(frozenset({"w"}))
GOOD = tar(W, file("w/a", b"1" * 2000), file("w/b", b"2"))


def broken_header() -> bytes:
    data = bytearray(GOOD)
    data[data.index(b"w/b") + 148] ^= 1
    return bytes(data)


def endless(name: str) -> bytes:
    info, _ = file(name)
    info.size = 1 << 40
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(5000)


def sparse_parts(parts: str, size: int = 20) -> bytes:
    """A sparse file in PAX format 0.1, of 20 bytes, with false parts."""
    records = {"GNU.sparse.map": parts, "GNU.sparse.size": str(size), "GNU.sparse.numblocks": "2"}
    return tar(W, file("w/a", b"1" * 10, pax_headers=records))


def sparse() -> bytes:
    """A sparse file in GNU tar's own format."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "w").mkdir()
        with (Path(folder) / "w" / "a").open("wb") as out:
            out.truncate(1 << 20)
        command = [need_tool("tar"), "--sparse", "--format=gnu", "-cf", "-", "-C", folder, "w"]
        return subprocess.run(command, capture_output=True, check=True).stdout


def negative(name: str = "w/a") -> bytes:
    """CVE-2025-8194: the next header's offset is before this header."""
    info, _ = file(name)
    info.size = -1024
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(5000)


def with_pax(name: str, **records: str) -> Entry:
    return file(name, pax_headers=records)


def pax_chain(count: int) -> bytes:
    """Headers that only describe the next one."""
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    return header.tobuf(tarfile.USTAR_FORMAT) * count + GOOD


HOSTILE: dict[str, bytes] = {
    "symlink climbs": tar(W, symlink("w/a", "../../etc/passwd")),
    "symlink climbs from the root": tar(W, symlink("w/a", "/../etc/passwd")),
    "sparse": sparse(),
    "sparse, of parts that overlap": sparse_parts("0,5,3,5"),
    "sparse, of parts beyond its end": sparse_parts("0,5,18,5"),
    "sparse, of a negative part": sparse_parts("8,5,3,0"),
    "sparse, far larger than its layer": sparse_parts("0,5", 1 << 40),
    "a symlink to nothing": tar(W, symlink("w/a", "")),
    "a hard link to what its layer hides": tar(W, file("w/.wh.b"), hardlink("w/a", "w/b")),
    "a hard link into a folder that its layer empties": tar(W, file("w/.wh..wh..opq"), hardlink("w/a", "w/b")),
    "endless elsewhere": endless("x/a"),
    "endless": endless("w/a"),
    "climbs": tar(file("w/../../etc/passwd")),
    "climbs elsewhere": tar(file("x/../../etc/passwd")),
    "absolute and climbing": tar(file("/../etc/passwd")),
    "hard link climbs": tar(W, hardlink("w/a", "../etc/passwd")),
    "hard link to nothing": tar(W, hardlink("w/a", "w/absent")),
    "hard link to itself": tar(W, hardlink("w/a", "w/a")),
    "cut in a file": GOOD[:1500],
    "cut in a header": GOOD[: 512 + 512 + 2048 + 100],
    "broken header": broken_header(),
    "no tar": b"hello" * 500,
    "a file in the root's place": tar(file(".")),
    "a link in the root's place": tar(W, symlink("w/..", "/x")),
    "a whiteout of the root": tar(file(".wh..")),
    "a whiteout of what is above the root": tar(W, file("w/.wh...")),
    "a whiteout of the folder it stands in": tar(W, file("w/d/.wh..")),
    "a hard link to a folder": tar(W, folder("w/d"), hardlink("w/a", "w/d")),
    "a hard link to a later file": tar(W, hardlink("w/a", "w/z"), file("w/z")),
    "a negative size": negative(),
    "a negative size elsewhere": negative("x/a"),
    "a negative size in PAX": tar(W, with_pax("w/a", size="-1024")),
    "an infinite time": tar(W, with_pax("w/a", mtime="1e400")),
    "an owner that cannot be": tar(W, with_pax("w/a", uid="-7")),
    "an owner beyond all": tar(W, with_pax("w/a", gid=str(1 << 40))),
    "a zero byte in a name": tar(W, with_pax("w/a", path="w/a\0b")),
    "a zero byte in a target": tar(W, symlink("w/a", "b", pax_headers={"linkpath": "b\0c"})),
    "more behind one block of zeros": GOOD[:512] + bytes(512) + GOOD[512:],
    "PAX headers without end": pax_chain(2000),
    "a name of 2 MB": tar(file("w/" + "n" * (2 << 20))),
    "a name of 5,000 characters": tar(file("w/" + "n" * 5000)),
    "300 folders": tar(file("w/" + "d/" * 300 + "a")),
    "300 folders elsewhere": tar(file("x/" + "d/" * 300 + "a")),
    "a target of 5,000 characters": tar(W, symlink("w/a", "n" * 5000)),
}


WITHOUT_MEMBER = {
    "no tar",
    "cut in a header",
    "PAX headers without end",
    "a file in the root's place",
    "a name of 2 MB",
}


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_layer_is_refused_with_its_digest(name: str, how: str) -> None:
    sample = image(GOOD, HOSTILE[name], how=how)
    with pytest.raises(ContentError) as caught:
        read_filesystem(sample, W_TREE, Silent())
    assert str(sample.manifest.layers[1].digest) in str(caught.value)
    assert "\n" not in str(caught.value)
    if name not in WITHOUT_MEMBER:
        assert re.search(r"the (member|hard link|whiteout) '?[./]*[wx]|etc/passwd'", str(caught.value))


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("large", [0, 1 << 40], ids=["large", "small"])
def test_every_altered_byte_of_a_layer_is_detected(how: str, large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2build.oci.layer._LARGE", large)
    blob = compressed(tar(W, file("w/a", b"1")), how)
    sample = stored(blob, Digest.of(tar(W, file("w/a", b"1"))), how)
    (layer,) = sample.manifest.layers
    for position in range(0, len(blob), max(1, len(blob) // 200)):
        altered = blob[:position] + bytes([blob[position] ^ 1]) + blob[position + 1 :]
        with pytest.raises(ContentError, match=layer.digest.hex):
            read_filesystem(replace(sample, blobs=MemoryBlobs({layer.digest: altered})), W_TREE, Silent())


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_a_bomb_is_refused_long_before_its_end(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2build.oci.layer._ALWAYS", 1 << 20)
    bomb = tar(file("elsewhere", bytes(40 << 20)))
    sample = image(bomb, how=how)
    with pytest.raises(ContentError, match=f"{sample.manifest.layers[0].digest}.*decompresses to more than"):
        read_filesystem(sample, W_TREE, Silent())


def stored(blob: bytes, diff_id: Digest, how: str) -> Image:
    """An image of one layer, whose blob matches its digest, whatever it contains."""
    media_type = {"gzip": OCI.layer_gzip, "zstd": "application/vnd.oci.image.layer.v1.tar+zstd", "plain": OCI.layer}[
        how
    ]
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [str(diff_id)]}}
    raw = json.dumps(config).encode()
    layer = Descriptor.of(media_type, blob)
    manifest = build_manifest(OCI, Descriptor.of(OCI.config, raw), [layer], {})
    return Image(manifest, ImageConfig(raw), MemoryBlobs({layer.digest: blob}))


STREAMS: dict[str, tuple[bytes, str]] = {
    "gzip cut": (compressed(GOOD, "gzip")[:-20], "gzip"),
    "gzip without trailer": (compressed(GOOD, "gzip")[:-8], "gzip"),
    "gzip with garbage": (compressed(GOOD, "gzip") + b"garbage", "gzip"),
    "gzip with a wrong checksum": (compressed(GOOD, "gzip")[:-5] + b"\0" * 5, "gzip"),
    "zstd cut": (compressed(GOOD, "zstd")[:-20], "zstd"),
    "no gzip": (GOOD[:500] + b"\0" * 12, "gzip"),
    "no zstd": (b"nonsense" * 100, "zstd"),
    "another content": (compressed(tar(W), "gzip"), "gzip"),
    "another content, plain": (tar(W), "plain"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_contradicts_its_diff_id_is_refused(name: str) -> None:
    blob, how = STREAMS[name]
    sample = stored(blob, Digest.of(GOOD), how)
    with pytest.raises(ContentError) as caught:
        read_filesystem(sample, W_TREE, Silent())
    assert str(sample.manifest.layers[0].digest) in str(caught.value)


def test_several_gzip_members_are_one_stream() -> None:
    blob = compressed(GOOD[:700], "gzip") + compressed(GOOD[700:], "gzip")
    assert "w/b" in read_filesystem(stored(blob, Digest.of(GOOD), "gzip"), W_TREE, Silent())


def test_a_layer_without_wanted_members_is_checked_too() -> None:
    sample = stored(tar(file("elsewhere")), Digest.of(b"other"), "plain")
    with pytest.raises(ContentError):
        read_filesystem(sample, W_TREE, Silent())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_base_is_refused(name: str, tmp_path: Path) -> None:
    sample = image(GOOD, HOSTILE[name])
    write_image(sample, Place.parse(f"oci:{tmp_path}/base:v1"), tag="", reference="", replace=False, progress=Silent())
    arguments = ("image", "--tp", "8", "--base", f"oci:{tmp_path}/base:v1", "--set", "base.source_root=/w")
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    stderr = refused(5, *arguments, "-o", f"oci:{tmp_path}/out", environment=cache)
    assert sample.manifest.layers[1].digest.hex in stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "cache") == ["base"]
