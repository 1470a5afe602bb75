"""What we write, skopeo, umoci, podman and crane read; what they write, we read. The layers come from tarfile."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from helpers.images import SAMPLE, image
from helpers.support import need_tool

from m2build.oci.image import Image, open_blob
from m2build.oci.media_types import DOCKER, OCI, MediaTypes
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent

NAME = "registry.example/team/app:v1"
OF_TYPES = pytest.mark.parametrize("types", [OCI, DOCKER], ids=["oci", "docker"])
OF_HOW = pytest.mark.parametrize("how", ["plain", "gzip"])
OF_KIND = pytest.mark.parametrize("kind", [PlaceKind.OCI, PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE])


def run(*command: str) -> bytes:
    done = subprocess.run([need_tool(command[0]), *command[1:]], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def store(sample: Image, kind: PlaceKind, folder: Path) -> Place:
    tag = NAME if kind is PlaceKind.DOCKER_ARCHIVE else "v1"
    place = Place(kind, str(folder / kind), tag)
    write_image(sample, place, tag="unused", reference="unused", replace=False, progress=Silent())
    return place


def layer_bytes(sample: Image) -> list[bytes]:
    found = []
    for layer in sample.manifest.layers:
        with open_blob(sample.blobs, layer) as reader:
            found.append(reader.read())
    return found


def listing(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(root))] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


@OF_HOW
@OF_KIND
def test_skopeo_reads_and_copies_what_we_write(kind: PlaceKind, how: str, tmp_path: Path) -> None:
    sample = image(*SAMPLE, how=how)
    place = store(sample, kind, tmp_path)
    seen = json.loads(run("skopeo", "inspect", str(place)))
    assert (seen["Os"], seen["Architecture"], seen["Labels"]) == ("linux", "amd64", {"a": "b"})
    run("skopeo", "copy", "-q", str(place), f"dir:{tmp_path}/copy")
    config = (tmp_path / "copy" / sample.manifest.config.digest.hex).read_bytes()
    assert config == sample.config.raw


@OF_HOW
@pytest.mark.parametrize("kind", [PlaceKind.OCI, PlaceKind.OCI_ARCHIVE])
def test_the_manifest_in_a_layout_is_ours_to_the_byte(kind: PlaceKind, how: str, tmp_path: Path) -> None:
    sample = image(*SAMPLE, how=how, annotations={"k": "v"})
    place = store(sample, kind, tmp_path)
    assert run("skopeo", "inspect", "--raw", str(place)) == sample.manifest.raw
    run("skopeo", "copy", "-q", "--preserve-digests", str(place), f"dir:{tmp_path}/copy")
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == sample.manifest.raw


@OF_HOW
def test_umoci_unpacks_what_we_write(how: str, tmp_path: Path) -> None:
    place = store(image(*SAMPLE, how=how), PlaceKind.OCI, tmp_path)
    run("umoci", "unpack", "--image", f"{place.location}:v1", f"{tmp_path}/bundle")
    found = listing(tmp_path / "bundle" / "rootfs")
    assert found == {
        "bin": (stat.S_IFDIR | 0o755, 0, 0, b""),
        "bin/tool": (stat.S_IFREG | 0o755, 0, 0, b"#!/bin/sh\n"),
        "srv": (stat.S_IFDIR | 0o755, 0, 0, b""),
        "srv/app": (stat.S_IFDIR | 0o750, 0, 0, b""),
        "srv/app/kept.py": (stat.S_IFREG | 0o644, 7, 8, b"kept"),
        "srv/app/link": (stat.S_IFLNK | 0o777, 0, 0, b"kept.py"),
        "srv/app/new.py": (stat.S_IFREG | 0o644, 0, 0, b"new"),
    }


@OF_TYPES
@OF_HOW
def test_crane_validates_a_docker_archive(types: MediaTypes, how: str, tmp_path: Path) -> None:
    place = store(image(*SAMPLE, types=types, how=how), PlaceKind.DOCKER_ARCHIVE, tmp_path)
    run("crane", "validate", "--tarball", place.location)


@OF_KIND
def test_podman_loads_what_we_write(kind: PlaceKind, tmp_path: Path) -> None:
    sample = image(*SAMPLE)
    place = store(sample, kind, tmp_path)
    with tempfile.TemporaryDirectory(prefix="run-", dir="/tmp") as short:  # podman wants at most 50 characters
        podman = ["podman", "--root", f"{tmp_path}/root", "--runroot", short, "--storage-driver", "vfs"]
        pulled = run(*podman, "pull", "--quiet", str(place)).decode().strip()
    assert pulled.removeprefix("sha256:") == sample.manifest.config.digest.hex


@OF_TYPES
@OF_HOW
@OF_KIND
def test_we_read_what_skopeo_writes(types: MediaTypes, how: str, kind: PlaceKind, tmp_path: Path) -> None:
    sample = image(*SAMPLE, types=types, how=how)
    ours = store(sample, PlaceKind.DOCKER_ARCHIVE, tmp_path)
    tag = NAME if kind is PlaceKind.DOCKER_ARCHIVE else "v1"
    theirs = Place(kind, f"{tmp_path}/theirs", tag)
    run("skopeo", "copy", "-q", str(ours), str(theirs))
    found = read_image(theirs, "linux/amd64")
    assert found.image.config.diff_ids == sample.config.diff_ids
    assert found.image.config.labels == {"a": "b"}
    assert [len(data) for data in layer_bytes(found.image)] == [layer.size for layer in found.image.manifest.layers]
    assert found.name == (NAME if kind is PlaceKind.DOCKER_ARCHIVE else None)
    if kind is not PlaceKind.DOCKER_ARCHIVE:
        raw = run("skopeo", "inspect", "--raw", str(theirs))
        assert found.image.manifest.raw == raw
        assert found.digest.hex == hashlib.sha256(raw).hexdigest()


@OF_TYPES
@OF_HOW
def test_a_docker_archive_holds_the_config_to_the_byte_and_the_layers_uncompressed(
    types: MediaTypes, how: str, tmp_path: Path
) -> None:
    sample = image(*SAMPLE, types=types, how=how)
    found = read_image(store(sample, PlaceKind.DOCKER_ARCHIVE, tmp_path), "linux/amd64").image
    assert found.config.raw == sample.config.raw
    assert tuple(layer_bytes(found)) == SAMPLE
    assert found.manifest.types is DOCKER
    assert {layer.media_type for layer in found.manifest.layers} == {DOCKER.layer}


def test_we_read_what_umoci_writes(tmp_path: Path) -> None:
    layout = f"{tmp_path}/layout"
    run("umoci", "init", "--layout", layout)
    run("umoci", "new", "--image", f"{layout}:first")
    run("umoci", "unpack", "--image", f"{layout}:first", f"{tmp_path}/bundle")
    (tmp_path / "bundle" / "rootfs" / "hello").write_text("hello")
    run("umoci", "repack", "--image", f"{layout}:second", f"{tmp_path}/bundle")
    found = read_image(Place(PlaceKind.OCI, layout, "second"), "linux/amd64").image
    (layer,) = layer_bytes(found)
    assert len(layer) == found.manifest.layers[0].size


def test_we_read_what_crane_writes(tmp_path: Path) -> None:
    (tmp_path / "layer.tar").write_bytes(SAMPLE[0])
    run("crane", "append", "-f", f"{tmp_path}/layer.tar", "-t", NAME, "-o", f"{tmp_path}/crane.tar")
    found = read_image(Place(PlaceKind.DOCKER_ARCHIVE, f"{tmp_path}/crane.tar"), "linux/amd64")
    assert found.name == NAME
    (diff_id,) = found.image.config.diff_ids
    assert diff_id.hex == hashlib.sha256(SAMPLE[0]).hexdigest()
    layer_bytes(found.image)


@OF_KIND
def test_the_same_image_is_the_same_bytes(kind: PlaceKind, tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        place = store(image(*SAMPLE), kind, tmp_path / name)
        path = Path(place.location)
        files = [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file())
        written.append([(str(item.relative_to(tmp_path / name)), item.read_bytes()) for item in files])
    assert written[0] == written[1]
