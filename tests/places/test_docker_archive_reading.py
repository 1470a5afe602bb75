"""Docker archives as docker and others write them, and damaged ones: refused, with their path."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.images import (
    SAMPLE,
    compressed,
    config_document,
    file,
    flip,
    hardlink,
    layer_type,
    read_everything,
    symlink,
    tar,
)

from m2build.errors import ContentError, M2BuildError, UsageError
from m2build.layers.filesystem import read_filesystem
from m2build.layers.members import Wanted
from m2build.oci.digest import Digest
from m2build.oci.media_types import DOCKER, OCI
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image
from m2build.progress import Silent


def docker_archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Place:
    path.write_bytes(tar(*members))
    return Place(PlaceKind.DOCKER_ARCHIVE, str(path))


def saved(tags: list[str] | None, config: bytes, layers: list[str], name: str = "") -> dict[str, Any]:
    return {"Config": name or f"{hashlib.sha256(config).hexdigest()}.json", "RepoTags": tags, "Layers": layers}


CONFIG = json.dumps(config_document(SAMPLE)).encode()
CONFIG_FILE = file(f"{hashlib.sha256(CONFIG).hexdigest()}.json", CONFIG)
LAYERS = ["a/layer.tar", "b/layer.tar"]


def manifest_file(*entries: dict[str, Any]) -> tuple[tarfile.TarInfo, bytes]:
    return file("manifest.json", json.dumps(entries).encode())


def sample_archive(path: Path, first: bytes = SAMPLE[0], second: bytes = SAMPLE[1]) -> Place:
    entry = saved(["team/app:v1"], CONFIG, LAYERS)
    return docker_archive(path, CONFIG_FILE, file(LAYERS[0], first), file(LAYERS[1], second), manifest_file(entry))


def test_a_docker_archive_is_read_as_it_is(tmp_path: Path) -> None:
    found = read_everything(sample_archive(tmp_path / "d.tar"))
    assert found.config.raw == CONFIG
    assert found.manifest.types is DOCKER
    assert [layer.media_type for layer in found.manifest.layers] == [DOCKER.layer, DOCKER.layer]
    assert [layer.digest for layer in found.manifest.layers] == [Digest.of(layer) for layer in SAMPLE]


def test_compressed_layers_stay_compressed(tmp_path: Path) -> None:
    blobs = [gzip.compress(layer) for layer in SAMPLE]
    found = read_everything(sample_archive(tmp_path / "d.tar", *blobs))
    assert [layer.media_type for layer in found.manifest.layers] == [DOCKER.layer_gzip, DOCKER.layer_gzip]
    assert [layer.digest for layer in found.manifest.layers] == [Digest.of(blob) for blob in blobs]


@pytest.mark.parametrize("how", [("zstd", "zstd"), ("gzip", "zstd"), ("zstd", "plain")], ids="-".join)
def test_layers_in_zstd_are_read_as_docker_saves_them(how: tuple[str, str], tmp_path: Path) -> None:
    """Docker 28 with containerd's store saves them so. Docker's own media types have no zstd; OCI's have."""
    blobs = [compressed(layer, kind) for layer, kind in zip(SAMPLE, how, strict=True)]
    place = sample_archive(tmp_path / "d.tar", *blobs)
    found = read_everything(place)
    assert found.manifest.types is OCI
    assert [layer.media_type for layer in found.manifest.layers] == [layer_type(OCI, kind) for kind in how]
    assert [layer.digest for layer in found.manifest.layers] == [Digest.of(blob) for blob in blobs]
    read_through(place)


@pytest.mark.parametrize("link", [symlink("b/layer.tar", "../a/layer.tar"), hardlink("b/layer.tar", "a/layer.tar")])
def test_a_layer_may_be_a_link_to_another(link: tuple[tarfile.TarInfo, bytes], tmp_path: Path) -> None:
    """docker before version 25 wrote a layer once, and a link wherever the layer occurred again."""
    config = json.dumps(config_document([SAMPLE[0], SAMPLE[0]])).encode()
    entry = saved(["team/app:v1"], config, LAYERS, name="c.json")
    place = docker_archive(
        tmp_path / "d.tar", file("c.json", config), file(LAYERS[0], SAMPLE[0]), link, manifest_file(entry)
    )
    assert [layer.digest for layer in read_everything(place).manifest.layers] == [Digest.of(SAMPLE[0])] * 2


def test_loops_of_links_end(tmp_path: Path) -> None:
    links = [symlink("a/layer.tar", "../b/layer.tar"), symlink("b/layer.tar", "../a/layer.tar")]
    place = docker_archive(tmp_path / "d.tar", CONFIG_FILE, *links, manifest_file(saved(None, CONFIG, LAYERS)))
    with pytest.raises(ContentError, match=r"layer\.tar"):
        read_everything(place)


def test_the_hybrid_of_docker_25_is_read(tmp_path: Path) -> None:
    """docker 25 and later name config and layers as blobs of an OCI layout, which is there as well."""
    members = [file(f"blobs/sha256/{hashlib.sha256(data).hexdigest()}", data) for data in (CONFIG, *SAMPLE)]
    names = [info.name for info, _ in members]
    entry = {"Config": names[0], "RepoTags": ["team/app:v1"], "Layers": names[1:], "LayerSources": {}}
    extra = [file("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), file("index.json", b"{}")]
    found = read_image(docker_archive(tmp_path / "d.tar", *members, *extra, manifest_file(entry)), "linux/amd64")
    assert found.image.config.raw == CONFIG
    assert found.name == "docker.io/team/app:v1"


def test_of_several_images_in_an_archive_one_has_to_be_named(tmp_path: Path) -> None:
    other = json.dumps(config_document(SAMPLE, author="other")).encode()
    members = [CONFIG_FILE, file("o.json", other), *(file(n, d) for n, d in zip(LAYERS, SAMPLE, strict=True))]
    entries = [saved(["team/app:v1", "app:latest"], CONFIG, LAYERS), saved(["team/app:v2"], other, LAYERS, "o.json")]
    path = Path(docker_archive(tmp_path / "d.tar", *members, manifest_file(*entries)).location)
    with pytest.raises(UsageError) as caught:
        read_image(Place(PlaceKind.DOCKER_ARCHIVE, str(path)), "linux/amd64")
    assert "team/app:v1" in str(caught.value.hint)
    for tag, config, name in [
        ("team/app:v2", other, "docker.io/team/app:v2"),
        ("docker.io/team/app:v1", CONFIG, "docker.io/team/app:v1"),
        ("app:latest", CONFIG, "docker.io/library/app:latest"),
    ]:
        found = read_image(Place(PlaceKind.DOCKER_ARCHIVE, str(path), tag), "linux/amd64")
        assert (found.image.config.raw, found.name) == (config, name)
    with pytest.raises(UsageError, match="team/app:v3"):
        read_image(Place(PlaceKind.DOCKER_ARCHIVE, str(path), "team/app:v3"), "linux/amd64")


def drop_manifest(path: Path) -> None:
    docker_archive(path, CONFIG_FILE, file(LAYERS[0], SAMPLE[0]), file(LAYERS[1], SAMPLE[1]))


def with_manifest(data: bytes) -> Callable[[Path], object]:
    members = [CONFIG_FILE, file(LAYERS[0], SAMPLE[0]), file(LAYERS[1], SAMPLE[1]), file("manifest.json", data)]
    return lambda path: docker_archive(path, *members)


def cut(at: Callable[[int], int]) -> Callable[[Path], object]:
    def damage(path: Path) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: at(len(data))])

    return damage


def double_config(path: Path) -> None:
    entry = saved(None, CONFIG, LAYERS)
    twice = [CONFIG_FILE, file(CONFIG_FILE[0].name, flip(CONFIG))]
    layers = [file(name, data) for name, data in zip(LAYERS, SAMPLE, strict=True)]
    docker_archive(path, *twice, *layers, manifest_file(entry))


def altered_config(path: Path) -> None:
    other = CONFIG.replace(b'"a": "b"', b'"a": "c"')
    layers = [file(name, data) for name, data in zip(LAYERS, SAMPLE, strict=True)]
    docker_archive(path, file(CONFIG_FILE[0].name, other), *layers, manifest_file(saved(None, CONFIG, LAYERS)))


def break_a_header(path: Path) -> None:
    data = bytearray(path.read_bytes())
    position = data.index(b"b/layer.tar")
    data[position + 148] ^= 1
    path.write_bytes(bytes(data))


def negative() -> bytes:
    """CVE-2025-8194: the next header is before this one."""
    info, _ = file("negative")
    info.size = -512
    return info.tobuf(tarfile.GNU_FORMAT)


def long_name() -> bytes:
    info, _ = file("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2 << 20
    return info.tobuf(tarfile.GNU_FORMAT) + b"n" * info.size


@pytest.mark.parametrize("tag", ["<none>:<none>", "", "Team/App:v1", "::"])
def test_what_is_no_name_counts_as_none(tag: str, tmp_path: Path) -> None:
    layers = [file(name, data) for name, data in zip(LAYERS, SAMPLE, strict=True)]
    place = docker_archive(tmp_path / "d.tar", CONFIG_FILE, *layers, manifest_file(saved([tag], CONFIG, LAYERS)))
    assert read_image(place, "linux/amd64").name is None


def test_members_may_begin_with_a_slash(tmp_path: Path) -> None:
    layers = [file(f"/{name}", data) for name, data in zip(LAYERS, SAMPLE, strict=True)]
    config, manifest = file(f"/{CONFIG_FILE[0].name}", CONFIG), manifest_file(saved(None, CONFIG, LAYERS))
    manifest[0].name = "/manifest.json"
    assert read_everything(docker_archive(tmp_path / "d.tar", config, *layers, manifest)).config.raw == CONFIG


@pytest.mark.parametrize(("name", "compress"), [("bzip2", bz2.compress), ("xz", lzma.compress)])
def test_a_compression_that_images_may_not_have_is_named(
    name: str, compress: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    with pytest.raises(ContentError, match=f"compressed with {name}") as caught:
        read_everything(sample_archive(tmp_path / "d.tar", SAMPLE[0], compress(SAMPLE[1])))
    assert "docker load" in str(caught.value.hint)
    assert str(tmp_path) in str(caught.value)


DOCKER_DAMAGES: dict[str, Callable[[Path], object]] = {
    "not a tar": lambda path: path.write_bytes(b"hello" * 1000),
    "empty": lambda path: path.write_bytes(b""),
    "cut in a layer": cut(lambda _: 4000),
    "cut in a header": cut(lambda _: 700),
    "cut in the last member": cut(lambda size: size // 2),
    "broken header": break_a_header,
    "no manifest": drop_manifest,
    "manifest not JSON": with_manifest(b"{"),
    "manifest with an infinite number": with_manifest(b'[{"x": 1e400}]'),
    "manifest with twins": with_manifest(b'[{"Config": "c", "config": "d", "Layers": []}]'),
    "manifest too large": with_manifest(b" " * (5 << 20)),
    "manifest too deep": with_manifest(b"[" * 100_000),
    "negative size": lambda path: path.write_bytes(negative() + path.read_bytes()),
    "too many members": lambda path: path.write_bytes(file("m")[0].tobuf() * 50_001 + path.read_bytes()),
    "a name without end": lambda path: path.write_bytes(long_name() + path.read_bytes()),
    "manifest an object": with_manifest(b"{}"),
    "manifest empty": with_manifest(b"[{}]"),
    "layers numbers": with_manifest(b'[{"Config": "c", "Layers": [1]}]'),
    "config missing": with_manifest(json.dumps([saved(None, b"other", LAYERS)]).encode()),
    "one layer too few": with_manifest(json.dumps([saved(None, CONFIG, LAYERS[:1])]).encode()),
    "layer missing": with_manifest(json.dumps([saved(None, CONFIG, ["a/layer.tar", "c/layer.tar"])]).encode()),
    "layers swapped": with_manifest(json.dumps([saved(None, CONFIG, LAYERS[::-1])]).encode()),
    "layer altered": lambda path: sample_archive(path, SAMPLE[0].replace(b"#!/bin/sh", b"#!/bin/no")),
    "compressed layer altered": lambda path: sample_archive(
        path, gzip.compress(SAMPLE[0].replace(b"#!/bin/sh", b"#!/bin/no"))
    ),
    "member twice": double_config,
    "config altered": altered_config,
}


@pytest.mark.parametrize("name", DOCKER_DAMAGES)
def test_a_damaged_docker_archive_is_refused_with_its_path(name: str, tmp_path: Path) -> None:
    path = tmp_path / "d.tar"
    sample_archive(path)
    DOCKER_DAMAGES[name](path)
    with pytest.raises(ContentError) as caught:
        read_through(Place(PlaceKind.DOCKER_ARCHIVE, str(path)))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_large_layer_of_an_archive_is_checked_against_its_diff_id_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive has no digests of its own that would reveal a compressed layer."""
    monkeypatch.setattr("m2build.oci.layer._LARGE", 0)
    DOCKER_DAMAGES["compressed layer altered"](tmp_path / "d.tar")
    with pytest.raises(ContentError, match="altered"):
        read_through(Place(PlaceKind.DOCKER_ARCHIVE, str(tmp_path / "d.tar")))


def read_through(place: Place) -> None:
    """Read all layers as a build does: stored bytes and uncompressed ones."""
    read_filesystem(read_image(place, "linux/amd64").image, Wanted(frozenset({"srv"})), Silent())


def test_a_compressed_archive_says_what_to_do(tmp_path: Path) -> None:
    place = sample_archive(tmp_path / "d.tar")
    compressed = tmp_path / "d.tar.gz"
    compressed.write_bytes(gzip.compress(Path(place.location).read_bytes()))
    with pytest.raises(M2BuildError) as caught:
        read_image(Place(PlaceKind.DOCKER_ARCHIVE, str(compressed)), "linux/amd64")
    assert "gunzip" in str(caught.value.hint)
