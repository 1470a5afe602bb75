"""Choosing an image in a store, and archives that are truncated, altered or malformed: refused, with their path."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.images import SAMPLE, config_document, flip, image, read_everything

from m2build.errors import ContentError, M2BuildError, UsageError
from m2build.oci.digest import Digest
from m2build.oci.manifest import build_manifest
from m2build.oci.media_types import OCI
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent

ONE = image(*SAMPLE)
REF_NAME = "org.opencontainers.image.ref.name"


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
    "config of another image": lambda layout: contradict(layout),  # noqa: PLW0108 - it stands below
}


def contradict(layout: Path) -> None:
    """A manifest that lists one layer, with a config that lists two."""
    manifest = build_manifest(OCI, ONE.manifest.config, ONE.manifest.layers[:1], {})
    entry = {"mediaType": OCI.manifest} | add_blob(layout, manifest.raw)
    rewrite_index(layout, lambda index: index.update(manifests=[entry]))


NO_FILES: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": lambda path: path.mkdir(),
    "a circle": lambda path: path.symlink_to(path.name),
    "nothing": lambda path: path.symlink_to("absent"),
}


@pytest.mark.parametrize("name", NO_FILES)
@pytest.mark.parametrize("which", ["index.json", "oci-layout", "manifest", "layer"])
def test_what_is_not_a_file_is_refused_and_not_waited_for(which: str, name: str, layout: Path) -> None:
    digest = {"manifest": ONE.manifest.digest, "layer": ONE.manifest.layers[1].digest}.get(which)
    path = layout / "blobs" / "sha256" / digest.hex if digest else layout / which
    path.unlink()
    NO_FILES[name](path)
    with pytest.raises(ContentError, match=path.name):
        read_everything(oci(layout))


def test_a_link_to_a_file_is_that_file(layout: Path) -> None:
    path = layout / "blobs" / "sha256" / ONE.manifest.layers[1].digest.hex
    path.rename(layout / "elsewhere")
    path.symlink_to(layout / "elsewhere")
    assert read_everything(oci(layout)).manifest == ONE.manifest


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
def test_a_missing_path_is_named(kind: PlaceKind, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="absent"):
        read_image(Place(kind, str(tmp_path / "absent")), "linux/amd64")


def test_a_folder_that_is_not_a_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(M2BuildError, match="oci-layout"):
        read_image(oci(tmp_path), "linux/amd64")


@pytest.mark.parametrize("variant", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_every_tar_format_are_read(variant: int, layout: Path) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=variant) as out:
        out.add(layout, arcname="")
    archive = layout.with_suffix(".tar")
    archive.write_bytes(data.getvalue())
    shutil.rmtree(layout)
    assert read_everything(Place(PlaceKind.OCI_ARCHIVE, str(archive))).manifest == ONE.manifest


@pytest.mark.parametrize("place", ["docker://a/b:v1", "dir:src", "wheel:a.whl", "pypi:a==1"])
def test_places_that_hold_no_image_are_refused_by_name(place: str) -> None:
    """A registry is one of them if the caller gives no access."""
    with pytest.raises(UsageError, match=re.escape(place)) as caught:
        read_image(Place.parse(place), "linux/amd64")
    assert "name an image" in str(caught.value.hint)
