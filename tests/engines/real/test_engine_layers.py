"""Layers that write through links of their own are read as Docker reads them, by both of its stores."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from helpers.engines.daemons import DockerEngine, docker_daemon
from helpers.images import image
from helpers.layers.linked import EVERYWHERE, MOST, Stack, together

from m2build.layers.filesystem import read_filesystem
from m2build.layers.members import EVERYTHING
from m2build.oci.image import Image
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import write_image
from m2build.progress import Silent

pytestmark = [pytest.mark.engine, pytest.mark.sweep]

Seen = dict[str, tuple[str, int, bytes, str]]


def exported(engine: DockerEngine, sample: Image, folder: Path) -> Seen:
    """The files and links of a container of an image, which `docker export` writes."""
    archive, out = folder / "image.tar", folder / "root.tar"
    place = Place(PlaceKind.DOCKER_ARCHIVE, str(archive), "linked:v1")
    write_image(sample, place, tag="", reference="", replace=False, progress=Silent())
    engine.run("load", "--input", archive)
    container = engine.run("create", "linked:v1", "/none").stdout.strip()
    engine.run("export", "--output", out, container)
    engine.run("rm", container)
    found: Seen = {}
    with tarfile.open(out) as root:
        for info in root:
            if info.isdir() or not info.name.startswith("s"):
                continue
            data = root.extractfile(info) if info.isreg() else None
            kind, target = ("symlink", info.linkname) if info.issym() else ("file", "")
            seen = kind, info.mode, data.read() if data else b"", target
            found[info.name] = found[info.linkname] if info.islnk() else seen
    return found


def ours(sample: Image) -> Seen:
    return {
        path: (str(m.kind), m.mode, m.content, m.target)
        for path, m in read_filesystem(sample, EVERYTHING, Silent()).items()
        if m.kind != "folder"
    }


def check(engine: DockerEngine, stacks: dict[str, Stack], folder: Path) -> None:
    sample = image(*together(stacks))
    found = ours(sample)
    assert len({path.partition("/")[0] for path in found}) == len(stacks)
    expected = exported(engine, sample, folder)
    assert found.items() ^ expected.items() == set()


def test_what_a_layer_writes_through_its_own_links_is_where_docker_puts_it(
    docker: DockerEngine, tmp_path: Path
) -> None:
    check(docker, EVERYWHERE | MOST, tmp_path)


def test_what_a_layer_writes_through_its_own_links_is_where_an_older_docker_puts_it(tmp_path: Path) -> None:
    with docker_daemon(tmp_path / "older", containerd_store=False) as engine:
        check(engine, EVERYWHERE, tmp_path)
