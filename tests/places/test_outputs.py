"""Archives as outputs: streams, existing files, files that appear during the write, and concurrent writers."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from helpers.images import SAMPLE, WatchedBlobs, file, flip, image, read_everything, tar
from helpers.support import null_device, sampled

from m2build.errors import StorageError, UsageError
from m2build.oci.image import Image
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent

ARCHIVES = pytest.mark.parametrize("kind", [PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE])
KINDS = [PlaceKind.OCI, PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
ONE = image(*SAMPLE)
PLAIN = image(*SAMPLE, how="plain")
OTHER = image(SAMPLE[0], tar(file("other", b"x" * 3000)))


def put(sample: Image, kind: PlaceKind, path: Path | str, *, replace: bool = False, reference: str = "a/b:v1") -> None:
    tag = reference.rpartition(":")[2]
    place = Place(kind, str(path))
    write_image(sample, place, tag=tag, reference=reference, replace=replace, progress=Silent())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `TMPDIR` of its own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@ARCHIVES
@pytest.mark.parametrize("sample", [ONE, PLAIN], ids=["gzip", "plain"])
def test_a_pipe_gets_the_bytes_of_the_file(kind: PlaceKind, sample: Image, tmp_path: Path, temporary: Path) -> None:
    put(sample, kind, tmp_path / "file")
    reading, writing = os.pipe()
    found: list[bytes] = []
    with os.fdopen(reading, "rb") as pipe:
        reader = threading.Thread(target=lambda: found.append(pipe.read()))
        reader.start()
        put(sample, kind, f"/dev/fd/{writing}")
        os.close(writing)
        reader.join(timeout=20)
    assert found == [(tmp_path / "file").read_bytes()]
    assert names(temporary) == []


@ARCHIVES
def test_the_null_device_and_an_open_file_are_written_and_not_replaced(kind: PlaceKind, tmp_path: Path) -> None:
    null = null_device(tmp_path / "null")
    put(ONE, kind, null)
    assert null.is_char_device()
    put(ONE, kind, tmp_path / "file")
    with (tmp_path / "log").open("wb") as log:
        log.write(b"before")
        log.flush()
        put(ONE, kind, f"/dev/fd/{log.fileno()}")
    assert (tmp_path / "log").read_bytes() == b"before" + (tmp_path / "file").read_bytes()


@ARCHIVES
def test_a_reader_that_goes_away_is_a_failure(kind: PlaceKind) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with pytest.raises(StorageError, match="cannot be written: Broken pipe"):
            put(image(tar(file("noise", os.urandom(300_000)))), kind, f"/dev/fd/{writing}")
    finally:
        os.close(writing)


@ARCHIVES
def test_a_terminal_gets_no_archive(kind: PlaceKind) -> None:
    ours, terminal = pty.openpty()
    try:
        for path in (f"/dev/fd/{terminal}", os.ttyname(terminal)):
            with pytest.raises(UsageError, match="is a terminal"):
                put(ONE, kind, path)
    finally:
        os.close(ours)
        os.close(terminal)


@EVERY_KIND
def test_the_same_image_again_is_a_success_that_writes_and_fetches_nothing(kind: PlaceKind, tmp_path: Path) -> None:
    put(ONE, kind, tmp_path / "it")
    before = {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]}
    watched = WatchedBlobs(ONE.blobs)
    put(Image(ONE.manifest, ONE.config, watched), kind, tmp_path / "it")
    assert watched.opened == []
    after = {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]}
    assert after == before


@EVERY_KIND
def test_another_image_is_refused_in_the_same_words_and_replaced_if_asked(kind: PlaceKind, tmp_path: Path) -> None:
    put(ONE, kind, tmp_path / "it")
    with pytest.raises(UsageError, match="already") as caught:
        put(OTHER, kind, tmp_path / "it")
    assert "--replace" in (caught.value.hint or "")
    assert read_everything(Place(kind, str(tmp_path / "it"))).config.raw == ONE.config.raw
    put(OTHER, kind, tmp_path / "it", replace=True)
    assert read_everything(Place(kind, str(tmp_path / "it"))).config.raw == OTHER.config.raw
    assert names(tmp_path) == ["it"]


@ARCHIVES
def test_an_archive_in_which_one_byte_differs_is_another(kind: PlaceKind, tmp_path: Path) -> None:
    """Wherever it is: in a header, a document, a layer, the padding or the end; or one too many, or too few."""
    path = tmp_path / "it"
    put(ONE, kind, path)
    good = path.read_bytes()
    step = max(1, len(good) // 60)
    damaged = [good[:place] + flip(good[place : place + 1]) + good[place + 1 :] for place in range(0, len(good), step)]
    for data in (*damaged, good[:-1], good + b"\0", good[:512], b""):
        path.write_bytes(data)
        with pytest.raises(UsageError, match="holds something else"):
            put(ONE, kind, path)
        assert path.read_bytes() == data
    with pytest.raises(UsageError, match="holds something else"):
        put(ONE, kind, path, reference="another/name:v2")


class _Appearing:
    """Blobs; as soon as one is read, a file has appeared at a path."""

    def __init__(self, sample: Image, path: Path, data: bytes) -> None:
        self.sample, self.path, self.data = sample, path, data

    def open(self, descriptor: object) -> object:
        self.path.write_bytes(self.data)
        return self.sample.blobs.open(descriptor)  # type: ignore[arg-type]  # it is one


@ARCHIVES
def test_an_archive_that_appears_meanwhile_stays(kind: PlaceKind, tmp_path: Path) -> None:
    put(ONE, kind, tmp_path / "same")
    same = (tmp_path / "same").read_bytes()
    for data, is_same in ((b"somebody else's", False), (same, True)):
        path = tmp_path / "it"
        path.unlink(missing_ok=True)
        late = Image(ONE.manifest, ONE.config, _Appearing(ONE, path, data))  # type: ignore[arg-type]
        if is_same:
            put(late, kind, path)
        else:
            with pytest.raises(UsageError, match="holds something else"):
                put(late, kind, path)
        assert path.read_bytes() == data
    assert names(tmp_path) == ["it", "same"]


@ARCHIVES
def test_a_link_to_an_archive_stays(kind: PlaceKind, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/it")
    put(ONE, kind, tmp_path / "link")
    put(OTHER, kind, tmp_path / "link", replace=True)
    assert (tmp_path / "link").is_symlink()
    assert read_image(Place(kind, str(tmp_path / "there/it")), "linux/amd64").image.config.raw == OTHER.config.raw
    assert names(tmp_path / "there") == ["it"]


def test_a_link_to_a_layout_stays(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("layout")
    put(ONE, PlaceKind.OCI, tmp_path / "link")
    put(OTHER, PlaceKind.OCI, tmp_path / "link", reference="a:v2")
    assert (tmp_path / "link").readlink() == Path("layout")
    assert names(tmp_path) == ["layout", "link"]
    for tag in ("v1", "v2"):
        read_everything(Place(PlaceKind.OCI, str(tmp_path / "layout"), tag))


def test_the_working_directory_becomes_a_layout_if_it_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    put(ONE, PlaceKind.OCI, ".")
    assert names(tmp_path) == ["here"]
    read_everything(Place(PlaceKind.OCI, str(tmp_path / "here")))


AT_ONCE = """
import sys, time
sys.path.insert(0, sys.argv[1])
from helpers import images
from m2build.places.place import Place
from m2build.progress import Silent
from m2build.places.transports import write_image
sample = images.image(*images.SAMPLE)
time.sleep(max(0, float(sys.argv[4]) - time.time()))
for number in range(20):
    write_image(sample, Place.parse(f"{sys.argv[2]}-{number}"), tag=sys.argv[3], reference="a/b:v1", replace=False,
                progress=Silent())
"""


@pytest.mark.parametrize("kind", sampled(KINDS, every=2))
def test_several_that_make_the_same_new_output_all_succeed(kind: PlaceKind, tmp_path: Path) -> None:
    here, start = str(Path(__file__).parent.parent), str(time.time() + 0.8)
    tags = ["v1", "v1", "v2"] if kind is PlaceKind.OCI else ["v1"] * 3
    commands = [[sys.executable, "-c", AT_ONCE, here, f"{kind}:{tmp_path}/it", tag, start] for tag in tags]
    running = [subprocess.Popen(command) for command in commands]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert names(tmp_path) == sorted(f"it-{number}" for number in range(20))
    for number in range(20):
        for tag in sorted(set(tags)) if kind is PlaceKind.OCI else (None,):
            read_everything(Place(kind, f"{tmp_path}/it-{number}", tag))
