"""Writing into stores: existing layouts, occupied names, altered sources, full disks, Ctrl-C. All or nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from helpers.images import SAMPLE, file, image, tar
from helpers.support import small_disk

from m2build.errors import ContentError, StorageError, UsageError
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Blobs, Image
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent

KINDS = [PlaceKind.OCI, PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE]
OF_KIND = pytest.mark.parametrize("kind", KINDS)
ONE = image(*SAMPLE)
OTHER = image(SAMPLE[0], tar(file("other", b"x" * 3000)))


def put(sample: Image, place: Place, *, replace: bool = False, progress: Silent | None = None) -> None:
    write_image(sample, place, tag="v1", reference="a/b:v1", replace=replace, progress=progress or Silent())


def snapshot(folder: Path) -> dict[str, bytes | None]:
    paths = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in paths}


def tags(layout: Path) -> dict[str, str]:
    entries = json.loads((layout / "index.json").read_bytes())["manifests"]
    return {entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"] for entry in entries}


class Breaking:
    """Blobs that raise when the second one is half read."""

    def __init__(self, below: Blobs, error: BaseException) -> None:
        self.below, self.error, self.opened = below, error, 0

    def open(self, descriptor: Descriptor) -> BinaryIO:
        self.opened += 1
        if self.opened > 1:
            raise self.error
        return self.below.open(descriptor)


def breaking(sample: Image, error: BaseException) -> Image:
    return Image(sample.manifest, sample.config, Breaking(sample.blobs, error))


class Altering:
    """Blobs with one byte altered, or the last one missing."""

    def __init__(self, below: Blobs, damage: str) -> None:
        self.below, self.damage = below, damage

    def open(self, descriptor: Descriptor) -> BinaryIO:
        import io

        data = bytearray(self.below.open(descriptor).read())
        if self.damage == "truncated":
            del data[-1]
        elif self.damage == "longer":
            data.append(0)
        else:
            data[-1] ^= 1
        return io.BytesIO(bytes(data))


def test_a_second_tag_shares_the_blobs_of_the_first(tmp_path: Path) -> None:
    put(ONE, Place(PlaceKind.OCI, str(tmp_path / "l"), "one"))
    kept = {path: path.stat().st_ino for path in (tmp_path / "l" / "blobs" / "sha256").iterdir()}
    put(OTHER, Place(PlaceKind.OCI, str(tmp_path / "l"), "two"))
    assert tags(tmp_path / "l") == {"one": str(ONE.manifest.digest), "two": str(OTHER.manifest.digest)}
    layers = {layer.digest.hex for layer in ONE.manifest.layers}
    assert {path for path in kept if path.stat().st_ino != kept[path] and path.name in layers} == set()
    for tag, sample in (("one", ONE), ("two", OTHER)):
        found = read_image(Place(PlaceKind.OCI, str(tmp_path / "l"), tag), "linux/amd64")
        assert found.digest == sample.manifest.digest


def test_a_damaged_blob_in_the_layout_is_replaced(tmp_path: Path) -> None:
    place = Place(PlaceKind.OCI, str(tmp_path / "l"), "one")
    put(ONE, place)
    (blob,) = (
        path for path in (tmp_path / "l/blobs/sha256").iterdir() if path.name == ONE.manifest.layers[0].digest.hex
    )
    good = blob.read_bytes()
    blob.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    put(OTHER, Place(PlaceKind.OCI, str(tmp_path / "l"), "two"))
    assert blob.read_bytes() == good


def test_what_a_layouts_index_says_otherwise_stays(tmp_path: Path) -> None:
    layout = tmp_path / "l"
    put(ONE, Place(PlaceKind.OCI, str(layout), "one"))
    index = json.loads((layout / "index.json").read_bytes())
    index["annotations"] = {"com.example": "kept"}
    index["manifests"][0]["platform"] = {"os": "linux", "architecture": "amd64", "os.version": "kept"}
    (layout / "index.json").write_text(json.dumps(index))
    put(OTHER, Place(PlaceKind.OCI, str(layout), "two"))
    after = json.loads((layout / "index.json").read_bytes())
    assert after["annotations"] == index["annotations"]
    assert after["manifests"][0] == index["manifests"][0]


def test_a_tag_that_names_another_image_is_not_moved_unasked(tmp_path: Path) -> None:
    place = Place(PlaceKind.OCI, str(tmp_path / "l"), "one")
    put(ONE, place)
    before = snapshot(tmp_path)
    with pytest.raises(UsageError, match="one") as caught:
        put(OTHER, place)
    assert caught.value.hint
    assert snapshot(tmp_path) == before
    put(OTHER, place, replace=True)
    assert tags(tmp_path / "l") == {"one": str(OTHER.manifest.digest)}


def test_the_same_image_again_changes_nothing(tmp_path: Path) -> None:
    place = Place(PlaceKind.OCI, str(tmp_path / "l"), "one")
    put(ONE, place)
    before = snapshot(tmp_path)
    put(ONE, place)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("kind", KINDS[1:])
def test_an_existing_file_is_not_overwritten_unasked(kind: PlaceKind, tmp_path: Path) -> None:
    place = Place(kind, str(tmp_path / "f"))
    (tmp_path / "f").write_text("precious")
    with pytest.raises(UsageError):
        put(ONE, place)
    assert snapshot(tmp_path) == {"f": b"precious"}
    put(ONE, place, replace=True)
    assert read_image(place, "linux/amd64").image.config.raw == ONE.config.raw


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "l").mkdir()
    (tmp_path / "l" / "thesis.tex").write_text("precious")
    with pytest.raises(UsageError):
        put(ONE, Place(PlaceKind.OCI, str(tmp_path / "l")), replace=True)
    assert snapshot(tmp_path) == {"l": None, "l/thesis.tex": b"precious"}


def test_a_file_is_not_a_layout(tmp_path: Path) -> None:
    (tmp_path / "l").write_text("precious")
    with pytest.raises(UsageError):
        put(ONE, Place(PlaceKind.OCI, str(tmp_path / "l")), replace=True)
    assert snapshot(tmp_path) == {"l": b"precious"}


def test_an_empty_folder_becomes_a_layout(tmp_path: Path) -> None:
    (tmp_path / "l").mkdir()
    put(ONE, Place(PlaceKind.OCI, str(tmp_path / "l")))
    assert tags(tmp_path / "l") == {"v1": str(ONE.manifest.digest)}
    assert [path.name for path in tmp_path.iterdir()] == ["l"]


FAILURES = [KeyboardInterrupt(), ContentError("gone"), OSError(5, "Input/output error")]
OF_FAILURE = pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)


@OF_KIND
@OF_FAILURE
def test_a_failure_in_the_middle_leaves_nothing(kind: PlaceKind, error: BaseException, tmp_path: Path) -> None:
    with pytest.raises((KeyboardInterrupt, ContentError, StorageError)):
        put(breaking(ONE, error), Place(kind, str(tmp_path / "new")))
    assert snapshot(tmp_path) == {}


@OF_FAILURE
def test_a_failure_in_the_middle_leaves_a_layout_as_it_was(error: BaseException, tmp_path: Path) -> None:
    put(image(tar(file("unrelated"))), Place(PlaceKind.OCI, str(tmp_path / "l"), "one"))
    before = snapshot(tmp_path)
    with pytest.raises((KeyboardInterrupt, ContentError, StorageError)):
        put(breaking(ONE, error), Place(PlaceKind.OCI, str(tmp_path / "l"), "two"))
    assert snapshot(tmp_path) == before


@OF_KIND
@pytest.mark.parametrize("damage", ["truncated", "altered", "longer"])
def test_a_damaged_blob_is_never_passed_on(kind: PlaceKind, damage: str, tmp_path: Path) -> None:
    damaged = Image(ONE.manifest, ONE.config, Altering(ONE.blobs, damage))
    with pytest.raises(ContentError, match=ONE.manifest.layers[0].digest.hex):
        put(damaged, Place(kind, str(tmp_path / "new")))
    assert snapshot(tmp_path) == {}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    with small_disk(tmp_path / "disk", "64k") as folder:
        yield folder


BIG = image(tar(file("noise", os.urandom(200_000))))


@OF_KIND
def test_a_full_disk_is_one_sentence_and_leaves_nothing(kind: PlaceKind, disk: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot be written: No space left on device$"):
        put(BIG, Place(kind, str(disk / "new")))
    assert snapshot(disk) == {}


def test_a_full_disk_leaves_a_layout_as_it_was(disk: Path) -> None:
    put(ONE, Place(PlaceKind.OCI, str(disk / "l"), "one"))
    before = snapshot(disk)
    with pytest.raises(StorageError):
        put(BIG, Place(PlaceKind.OCI, str(disk / "l"), "two"))
    assert snapshot(disk) == before


@OF_KIND
def test_a_read_only_disk_is_one_sentence(kind: PlaceKind, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(StorageError, match=r"cannot be written: Read-only file system$"):
        put(ONE, Place(kind, str(disk / "new")))


SCRIPT = """
import sys, time
sys.path.insert(0, sys.argv[1])
from helpers import images
from m2build.oci.image import Image
from m2build.places.place import Place
from m2build.progress import Silent
from m2build.places.transports import write_image

class Slow:
    def __init__(self, below): self.below = below
    def open(self, descriptor):
        stream = self.below.open(descriptor)
        inner = stream.read
        class Stream:
            def read(self, size=-1):
                print("reading", flush=True)
                time.sleep(30)
                return inner(size)
            def readinto(self, buffer):
                data = self.read(len(buffer))
                buffer[:len(data)] = data
                return len(data)
            def close(self): stream.close()
            def readable(self): return True
            closed = False
        return Stream()

sample = images.image(*images.SAMPLE)
write_image(Image(sample.manifest, sample.config, Slow(sample.blobs)), Place.parse(sys.argv[2]), tag="v1",
            reference="a/b:v1", replace=False, progress=Silent())
"""


@OF_KIND
def test_ctrl_c_leaves_nothing(kind: PlaceKind, tmp_path: Path) -> None:
    script = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent.parent), f"{kind}:{tmp_path}/new"]
    with subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"reading\n"
        assert list(tmp_path.iterdir()) != []
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert stderr.rstrip().endswith(b"KeyboardInterrupt")
    assert snapshot(tmp_path) == {}


def test_two_writers_of_one_layout_both_succeed(tmp_path: Path) -> None:
    put(image(tar(file("unrelated"))), Place(PlaceKind.OCI, str(tmp_path / "l"), "first"))
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from helpers import images\n"
        "from m2build.places.place import Place\n"
        "from m2build.progress import Silent; from m2build.places.transports import write_image\n"
        "sample = images.image(images.tar(images.file(sys.argv[3])))\n"
        "time.sleep(max(0.0, float(sys.argv[4]) - time.time()))\n"
        "for n in range(20):\n"
        "    place = Place.parse(f'{sys.argv[2]}:{sys.argv[3]}{n}')\n"
        "    write_image(sample, place, tag='', reference='', replace=False, progress=Silent())\n"
    )
    start = str(time.time() + 1)
    here = str(Path(__file__).parent.parent)
    commands = [[sys.executable, "-c", code, here, f"oci:{tmp_path}/l", name, start] for name in ("a", "b", "c")]
    running = [subprocess.Popen(command) for command in commands]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert set(tags(tmp_path / "l")) == {"first"} | {f"{name}{number}" for name in "abc" for number in range(20)}


class Recorded(Silent):
    def __init__(self) -> None:
        self.steps: list[str] = []
        self.moved: list[tuple[str, int, int]] = []

    def step(self, message: str) -> None:
        self.steps.append(message)

    def transfer(self, label: str, done: int, total: int) -> None:
        self.moved.append((label, done, total))


def test_transfers_are_reported(tmp_path: Path) -> None:
    shown = Recorded()
    big = image(tar(file("noise", os.urandom(3 << 20))), how="plain")
    put(big, Place(PlaceKind.OCI, str(tmp_path / "l")), progress=shown)
    (layer,) = big.manifest.layers
    moved = [(done, total) for label, done, total in shown.moved if layer.digest.hex.startswith(label)]
    assert {total for _, total in moved} == {layer.size}
    assert [done for done, _ in moved] == sorted(done for done, _ in moved)
    assert moved[-1][0] == layer.size
    assert len(moved) >= 3
    assert shown.steps == []


def test_the_total_is_reported_before_more_than_64_mib_move(tmp_path: Path) -> None:
    shown = Recorded()
    put(
        image(tar(file("zeros", bytes(65 << 20))), how="plain"),
        Place(PlaceKind.OCI, str(tmp_path / "l")),
        progress=shown,
    )
    assert len(shown.steps) == 1
    assert "68.2 MB" in shown.steps[0]
