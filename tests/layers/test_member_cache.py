"""Layers that need not be read: those in the cache, and those that upper layers hide."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.images import WatchedBlobs, file, folder, hardlink, image, symlink, tar
from helpers.rooms import MODULES, ROOT, imports

from m2build.errors import ContentError
from m2build.layers.cache import READING, MemberCache
from m2build.layers.filesystem import read_filesystem
from m2build.layers.members import Wanted
from m2build.local.cache import SealedFiles
from m2build.oci.image import Image
from m2build.progress import Silent

WANTED = Wanted(frozenset({"s/t"}), frozenset({"opt"}))


def counted(sample: Image) -> tuple[Image, WatchedBlobs]:
    blobs = WatchedBlobs(sample.blobs)
    return Image(sample.manifest, sample.config, blobs), blobs


LOWER = tar(folder("opt", 0o711), folder("s"), folder("s/t"), file("s/t/a", b"1"), file("s/t/c", b"3"))
UPPER = tar(
    folder("s"), folder("s/t", 0o700, uid=7), file("s/t/.wh.a"), file("s/t/b", b"2"), hardlink("s/t/d", "s/t/c"),
    symlink("s/t/e", "b"), file("s/t/n\udcff", b"name"),
)  # fmt: skip


def test_a_cached_layer_is_not_read_again(tmp_path: Path) -> None:
    sample, blobs = counted(image(LOWER, UPPER))
    cache = MemberCache(SealedFiles(tmp_path))
    first = read_filesystem(sample, WANTED, Silent(), cache)
    assert len(blobs.opened) >= 2
    blobs.opened.clear()
    assert dict(read_filesystem(sample, WANTED, Silent(), cache)) == dict(first)
    assert blobs.opened == []
    assert first["s/t/d"].content == b"3"
    read_filesystem(sample, Wanted(frozenset({"s"})), Silent(), cache)
    assert blobs.opened != [], "other wanted files are another entry"


def test_members_that_other_code_has_read_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another release of m2build may refuse them, or read them otherwise."""
    sample, blobs = counted(image(LOWER, UPPER))
    first = read_filesystem(sample, WANTED, Silent(), MemberCache(SealedFiles(tmp_path)))
    blobs.opened.clear()
    monkeypatch.setattr("m2build.layers.cache._code", lambda: "other")
    assert read_filesystem(sample, WANTED, Silent(), MemberCache(SealedFiles(tmp_path))) == first
    assert len(blobs.opened) >= 2


def test_all_code_that_reads_layers_is_in_the_key() -> None:
    """The face, which is imported for its folder alone, is not."""
    reached, left = {"m2build"}, ["m2build.layers.filesystem", "m2build.layers.roots"]
    while left:
        module = left.pop()
        if module in MODULES and module not in reached:
            reached.add(module)
            left += imports(MODULES[module], run_time_only=True)
    ways = {str(MODULES[module].relative_to(ROOT / "builder")) for module in reached - {"m2build"}}
    assert {way for way in ways if not way.startswith(tuple(READING))} == set()
    assert {"layers/contents.py", "oci/tar_reader.py", "local/reading.py"} <= ways


def test_wanted_markers_are_another_entry(tmp_path: Path) -> None:
    sample, blobs = counted(image(LOWER, UPPER))
    cache = MemberCache(SealedFiles(tmp_path))
    for marker in ("t/c", "t/b"):
        blobs.opened.clear()
        found = read_filesystem(sample, Wanted(frozenset(), markers=frozenset({marker})), Silent(), cache)
        assert [path for path in found if path.endswith(marker)] == [f"s/{marker}"]
        assert len(blobs.opened) == 2


def test_whether_any_layer_would_be_read_is_known_beforehand(tmp_path: Path) -> None:
    plain = tar(folder("s"), folder("s/t"), file("s/t/a", b"1"))
    sample, cache = image(plain, tar(file("s/t/b", b"2"))), MemberCache(SealedFiles(tmp_path))
    assert not cache.knows(sample, WANTED)
    read_filesystem(image(plain), WANTED, Silent(), cache)
    assert not cache.knows(sample, WANTED), "one of two"
    read_filesystem(sample, WANTED, Silent(), cache)
    assert cache.knows(sample, WANTED)
    assert not cache.knows(sample, Wanted(frozenset({"s"})))


@pytest.mark.parametrize("large", [0, 1 << 20], ids=["together", "one by one"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "empty"])
def test_a_damaged_file_in_the_cache_is_found_and_replaced(
    damage: str, large: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("m2build.layers.reader._LARGE", large)
    sample, blobs = counted(image(LOWER, UPPER))
    first = read_filesystem(sample, WANTED, Silent(), MemberCache(SealedFiles(tmp_path)))
    for path in tmp_path.iterdir():
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes({"truncated": bytes(data[:-2]), "altered": bytes(data), "empty": b""}[damage])
    for expected in ({layer.digest for layer in sample.manifest.layers}, set()):
        blobs.opened.clear()
        assert dict(read_filesystem(sample, WANTED, Silent(), MemberCache(SealedFiles(tmp_path)))) == dict(first)
        assert {layer.digest for layer in blobs.opened} == expected


def test_an_unwritable_cache_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    found = read_filesystem(
        image(LOWER, UPPER), WANTED, Silent(), MemberCache(SealedFiles(tmp_path / "file" / "layers"))
    )
    assert "s/t/b" in found
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_damaged_layer_is_not_cached(tmp_path: Path) -> None:
    sample = image(LOWER, UPPER[:1500])
    for _ in range(2):
        with pytest.raises(ContentError):
            read_filesystem(sample, WANTED, Silent(), MemberCache(SealedFiles(tmp_path)))


@pytest.mark.parametrize(
    ("top", "is_read"),
    [
        (tar(folder("opt"), folder("s"), folder("s/t"), file("s/t/.wh..wh..opq"), file("s/t/b", b"2")), False),
        (tar(folder("opt"), folder("s"), file("s/.wh..wh..opq"), folder("s/t"), file("s/t/b", b"2")), False),
        (tar(file(".wh..wh..opq"), folder("s"), folder("s/t"), file("s/t/b", b"2")), False),
        (tar(folder("opt"), folder("s"), file("s/.wh.t")), False),
        (tar(folder("opt"), folder("s"), folder("s/t"), file("s/t/b", b"2")), True),
        (tar(folder("s"), folder("s/t"), file("s/t/.wh..wh..opq")), True),
        (tar(folder("opt"), folder("s/t"), file("s/t/.wh..wh..opq")), True),
        (tar(folder("opt"), folder("s"), folder("s/t"), hardlink("s/t/d", "s/t/c"), file("s/t/.wh..wh..opq")), True),
    ],
    ids=["opaque", "opaque above", "opaque root", "whiteout", "open", "opt unknown", "parent unknown", "link open"],
)
def test_reading_stops_once_the_result_is_final(top: bytes, *, is_read: bool) -> None:
    sample, blobs = counted(image(LOWER, top))
    read_filesystem(sample, WANTED, Silent())
    assert (sample.manifest.layers[0] in blobs.opened) is is_read


def test_folders_wanted_alone_come_without_their_content() -> None:
    found = read_filesystem(image(tar(folder("opt"), file("opt/x"), folder("s"), folder("s/t"))), WANTED, Silent())
    assert list(found) == ["opt", "s", "s/t"]
