"""Choosing an image in a store, and archives that are truncated, altered or malformed: refused, with file and digest."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from images import SAMPLE, config_document, file, hardlink, image, symlink, tar
from m2build.errors import ContentError, M2BuildError, UsageError
from m2build.oci.digest import Digest
from m2build.oci.image import Image, open_blob
from m2build.oci.manifest import build_manifest
from m2build.oci.media_types import DOCKER, OCI
from m2build.places import Place, PlaceKind
from m2build.progress import Silent
from m2build.stores.places import read_image, write_image

ONE = image(*SAMPLE)
REF_NAME = "org.opencontainers.image.ref.name"


def read_everything(place: Place) -> Image:
    found = read_image(place, "linux/amd64").image
    for layer in found.manifest.layers:
        with open_blob(found.blobs, layer) as reader:
            reader.drain()
    return found


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    place = Place(PlaceKind.OCI, str(tmp_path / "l"), "one")
    write_image(ONE, place, tag="", reference="", replace=False, progress=Silent())
    return tmp_path / "l"


def rewrite_index(layout: Path, change: Callable[[dict[str, Any]], object]) -> None:
    index = json.loads((layout / "index.json").read_bytes())
    change(index)
    (layout / "index.json").write_text(json.dumps(index))


def add_blob(layout: Path, data: bytes) -> dict[str, Any]:
    digest = Digest.of(data)
    (layout / "blobs" / "sha256" / digest.hex).write_bytes(data)
    return {"digest": str(digest), "size": len(data)}


def add_index(layout: Path, *platforms: str, tag: str = "multi") -> str:
    """An index over image manifests of several platforms, as BuildKit nests them in a layout."""
    entries: list[dict[str, Any]] = []
    for platform in platforms:
        system, architecture = platform.split("/")
        config = json.dumps(config_document(SAMPLE, os=system, architecture=architecture)).encode()
        add_blob(layout, config)
        from m2build.oci.descriptor import Descriptor

        manifest = build_manifest(OCI, Descriptor.of(OCI.config, config), ONE.manifest.layers, {})
        members = {"mediaType": OCI.manifest, "platform": {"os": system, "architecture": architecture}}
        entries.append(members | add_blob(layout, manifest.raw))
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI.index, "manifests": entries}).encode()
    entry = {"mediaType": OCI.index, "annotations": {REF_NAME: tag}} | add_blob(layout, index)
    rewrite_index(layout, lambda document: document["manifests"].append(entry))
    return str(entry["digest"])


def oci(layout: Path, tag: str | None = None) -> Place:
    return Place(PlaceKind.OCI, str(layout), tag)


def test_the_only_image_needs_no_tag(layout: Path) -> None:
    assert read_everything(oci(layout)).manifest == ONE.manifest


def test_of_several_images_one_has_to_be_named(layout: Path) -> None:
    add_index(layout, "linux/amd64")
    with pytest.raises(UsageError) as caught:
        read_image(oci(layout), "linux/amd64")
    assert "one" in str(caught.value.hint)
    assert "multi" in str(caught.value.hint)
    assert read_image(oci(layout, "one"), "linux/amd64").digest == ONE.manifest.digest
    with pytest.raises(UsageError, match="absent"):
        read_image(oci(layout, "absent"), "linux/amd64")


def test_in_a_nested_index_the_platform_decides_and_the_name_stays_the_indexs(layout: Path) -> None:
    digest = add_index(layout, "linux/arm64", "unknown/unknown", "linux/amd64")
    found = read_image(oci(layout, "multi"), "linux/amd64")
    assert found.image.config.platform == "linux/amd64"
    assert str(found.digest) == digest
    with pytest.raises(UsageError, match="linux/arm64"):
        read_image(oci(layout, "multi"), "linux/s390x")


def test_an_image_for_another_platform_is_refused(layout: Path) -> None:
    with pytest.raises(UsageError, match=r"linux/amd64.*linux/arm64|linux/arm64.*linux/amd64"):
        read_image(oci(layout), "linux/arm64")


@pytest.mark.parametrize(
    ("annotations", "name"),
    [
        ({REF_NAME: "v1"}, None),
        ({REF_NAME: "team/app:v1"}, None),
        ({REF_NAME: "ghcr.io/team/app:v1"}, "ghcr.io/team/app:v1"),
        ({REF_NAME: "v1", "io.containerd.image.name": "docker.io/team/app:v1"}, "docker.io/team/app:v1"),
    ],
)
def test_only_a_full_reference_is_a_name(annotations: dict[str, str], name: str | None, layout: Path) -> None:
    rewrite_index(layout, lambda index: index["manifests"][0].update(annotations=annotations))
    assert read_image(oci(layout), "linux/amd64").name == name


def damage_first_layer(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def damage(layout: Path) -> None:
        path = layout / "blobs" / "sha256" / ONE.manifest.layers[0].digest.hex
        path.write_bytes(change(path.read_bytes()))

    return damage


def damage_blob(digest: Digest, data: bytes | None) -> Callable[[Path], object]:
    path = f"blobs/sha256/{digest.hex}"
    return lambda layout: (layout / path).unlink() if data is None else (layout / path).write_bytes(data)


def flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "layer truncated": damage_first_layer(lambda data: data[:-1]),
    "layer longer": damage_first_layer(lambda data: data + b"\0"),
    "layer altered": damage_first_layer(flip),
    "layer missing": damage_blob(ONE.manifest.layers[0].digest, None),
    "manifest altered": damage_blob(ONE.manifest.digest, flip(ONE.manifest.raw)),
    "manifest missing": damage_blob(ONE.manifest.digest, None),
    "config altered": damage_blob(ONE.manifest.config.digest, flip(ONE.config.raw)),
    "config empty": damage_blob(ONE.manifest.config.digest, b""),
    "index not JSON": lambda layout: (layout / "index.json").write_bytes(b'{"schemaVersion": 2, "mani'),
    "index missing": lambda layout: (layout / "index.json").unlink(),
    "index a list": lambda layout: (layout / "index.json").write_bytes(b"[]"),
    "other layout version": lambda layout: (layout / "oci-layout").write_bytes(b'{"imageLayoutVersion": "2.0.0"}'),
    "size is wrong": lambda layout: rewrite_index(layout, lambda index: index["manifests"][0].update(size=7)),
    "digest climbs": lambda layout: rewrite_index(
        layout, lambda index: index["manifests"][0].update(digest="sha256:../../../../etc/passwd")
    ),
    "config of another image": lambda layout: contradict(layout),
}


def contradict(layout: Path) -> None:
    """A manifest that lists one layer, with a config that lists two."""
    manifest = build_manifest(OCI, ONE.manifest.config, ONE.manifest.layers[:1], {})
    entry = {"mediaType": OCI.manifest} | add_blob(layout, manifest.raw)
    rewrite_index(layout, lambda index: index.update(manifests=[entry]))


def to_archive(layout: Path) -> Path:
    archive = layout.with_suffix(".tar")
    with tarfile.open(archive, "w") as out:
        for path in sorted(layout.rglob("*")):
            out.add(path, arcname=f"./{path.relative_to(layout)}", recursive=False)
    return archive


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("kind", [PlaceKind.OCI, PlaceKind.OCI_ARCHIVE])
def test_a_damaged_layout_is_refused_with_its_path(kind: PlaceKind, name: str, layout: Path) -> None:
    DAMAGES[name](layout)
    path = layout if kind is PlaceKind.OCI else to_archive(layout)
    with pytest.raises(ContentError) as caught:
        read_everything(Place(kind, str(path)))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    if name.startswith("layer"):
        assert ONE.manifest.layers[0].digest.hex in str(caught.value)


def test_an_archive_reads_like_its_layout(layout: Path) -> None:
    assert read_everything(Place(PlaceKind.OCI_ARCHIVE, str(to_archive(layout)))).manifest == ONE.manifest


@pytest.mark.parametrize("kind", [PlaceKind.OCI, PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE])
def test_a_path_that_is_not_there_is_named(kind: PlaceKind, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="absent"):
        read_image(Place(kind, str(tmp_path / "absent")), "linux/amd64")


def test_a_folder_that_is_no_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(M2BuildError, match="oci-layout"):
        read_image(oci(tmp_path), "linux/amd64")


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


@pytest.mark.parametrize("link", [symlink("b/layer.tar", "../a/layer.tar"), hardlink("b/layer.tar", "a/layer.tar")])
def test_a_layer_may_be_a_link_to_another(link: tuple[tarfile.TarInfo, bytes], tmp_path: Path) -> None:
    """docker before version 25 wrote a layer once and linked to it where it stood again."""
    config = json.dumps(config_document([SAMPLE[0], SAMPLE[0]])).encode()
    entry = saved(["team/app:v1"], config, LAYERS, name="c.json")
    place = docker_archive(
        tmp_path / "d.tar", file("c.json", config), file(LAYERS[0], SAMPLE[0]), link, manifest_file(entry)
    )
    assert [layer.digest for layer in read_everything(place).manifest.layers] == [Digest.of(SAMPLE[0])] * 2


def test_links_that_go_round_in_circles_end(tmp_path: Path) -> None:
    links = [symlink("a/layer.tar", "../b/layer.tar"), symlink("b/layer.tar", "../a/layer.tar")]
    place = docker_archive(tmp_path / "d.tar", CONFIG_FILE, *links, manifest_file(saved(None, CONFIG, LAYERS)))
    with pytest.raises(ContentError, match="layer.tar"):
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


DOCKER_DAMAGES: dict[str, Callable[[Path], object]] = {
    "not a tar": lambda path: path.write_bytes(b"hello" * 1000),
    "empty": lambda path: path.write_bytes(b""),
    "cut in a layer": cut(lambda size: 4000),
    "cut in a header": cut(lambda size: 700),
    "cut in the last member": cut(lambda size: size // 2),
    "broken header": break_a_header,
    "no manifest": drop_manifest,
    "manifest not JSON": with_manifest(b"{"),
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


def read_through(place: Place) -> None:
    """Read all layers as a build does: stored bytes and uncompressed ones."""
    from m2build.base.filesystem import read_filesystem

    read_filesystem(read_image(place, "linux/amd64").image, ("srv",), Silent())


def test_a_compressed_archive_says_what_to_do(tmp_path: Path) -> None:
    place = sample_archive(tmp_path / "d.tar")
    compressed = tmp_path / "d.tar.gz"
    compressed.write_bytes(gzip.compress(Path(place.location).read_bytes()))
    with pytest.raises(M2BuildError) as caught:
        read_image(Place(PlaceKind.DOCKER_ARCHIVE, str(compressed)), "linux/amd64")
    assert "gunzip" in str(caught.value.hint)


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_every_tar_format_are_read(format: int, layout: Path) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=format) as out:
        out.add(layout, arcname="")
    archive = layout.with_suffix(".tar")
    archive.write_bytes(data.getvalue())
    shutil.rmtree(layout)
    assert read_everything(Place(PlaceKind.OCI_ARCHIVE, str(archive))).manifest == ONE.manifest


@pytest.mark.parametrize("kind", ["docker", "docker-daemon", "containers-storage"])
def test_places_that_are_not_here_yet_are_answered_with_a_way(kind: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_image(Place(PlaceKind(kind), "a/b:v1"), "linux/amd64")
    assert "skopeo copy" in str(caught.value.hint)
    assert "oci:DIR:TAG" in str(caught.value.hint)
