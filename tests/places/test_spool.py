"""Blobs that are kept while they are read: whole and unaltered ones only, once for all concurrent readers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.images import WatchedBlobs, file, flip, image, tar
from helpers.support import small_disk

from m2build.errors import ContentError
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Blobs, MemoryBlobs, open_blob, read_blob
from m2build.places.spool import Kept, Spool, spool_beside

IMAGE = image(tar(file("a", bytes(range(256)) * 4096)), tar(file("b", b"b")), how="plain")
LARGE, SMALL = IMAGE.manifest.layers


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with spool_beside(tmp_path) as folder:
        yield folder
    assert list(tmp_path.iterdir()) == []


def everything(_blob: Descriptor) -> bool:
    return True


def watched(folder: Path, blobs: Blobs = IMAGE.blobs) -> tuple[Spool, WatchedBlobs]:
    below = WatchedBlobs(blobs)
    return Spool(below, folder, everything), below


def test_what_was_read_is_there_and_can_be_moved_to_where_it_belongs(folder: Path, tmp_path: Path) -> None:
    spool, below = watched(folder)
    with spool.keeping():
        first = read_blob(spool, LARGE)
    assert read_blob(spool, LARGE) == first
    assert below.opened == [LARGE]
    target = tmp_path / "deep/er/blob"
    with spool.open(LARGE) as stream:
        assert isinstance(stream, Kept)
        assert stream.move(target)
    assert target.read_bytes() == first
    assert read_blob(spool, LARGE) == first, "it is not kept any more, and read from below"
    assert below.opened == [LARGE, LARGE]
    target.unlink()
    target.parent.rmdir()
    target.parent.parent.rmdir()


def test_what_is_read_for_the_copy_alone_is_not_kept(folder: Path) -> None:
    spool, below = watched(folder)
    read_blob(spool, LARGE)
    assert list(folder.iterdir()) == []
    assert below.opened == [LARGE]


def test_what_is_not_needed_is_not_kept(folder: Path) -> None:
    spool = Spool(IMAGE.blobs, folder, lambda blob: blob == SMALL)
    with spool.keeping():
        read_blob(spool, LARGE)
        read_blob(spool, SMALL)
    assert [path.name for path in folder.iterdir()] == [SMALL.digest.hex]


def test_what_is_altered_or_not_read_to_its_end_is_read_again(folder: Path) -> None:
    altered = MemoryBlobs({LARGE.digest: flip(read_blob(IMAGE.blobs, LARGE))}, IMAGE.blobs)
    spool, below = watched(folder, altered)
    with spool.keeping():
        with pytest.raises(ContentError, match="is altered"):
            read_blob(spool, LARGE)
        with open_blob(spool, SMALL) as reader:
            reader.read(10)
    assert list(folder.iterdir()) == []
    below.below = IMAGE.blobs
    assert read_blob(spool, LARGE) == read_blob(IMAGE.blobs, LARGE)
    assert read_blob(spool, SMALL) == read_blob(IMAGE.blobs, SMALL)


def test_one_that_is_being_read_is_waited_for(folder: Path) -> None:
    """The copy begins while a thread is still reading it for members."""
    spool, below = watched(folder)
    found: list[bytes] = []
    with spool.keeping():
        stream = open_blob(spool, LARGE)
    second = threading.Thread(target=lambda: found.append(read_blob(spool, LARGE)))
    second.start()
    first = b"".join(iter(lambda: stream.read(1 << 16), b""))
    assert found == []
    stream.close()
    second.join(timeout=20)
    assert found == [first]
    assert below.opened == [LARGE]


def test_where_there_is_no_space_it_is_read_again(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk, spool_beside(disk) as folder:
        spool, below = watched(folder)
        with spool.keeping():
            assert read_blob(spool, LARGE) == read_blob(IMAGE.blobs, LARGE)
            assert read_blob(spool, SMALL) == read_blob(IMAGE.blobs, SMALL)
        assert [path.name for path in folder.iterdir()] == [SMALL.digest.hex]
        assert read_blob(spool, LARGE) == read_blob(IMAGE.blobs, LARGE)
        assert below.opened == [LARGE, SMALL, LARGE]
