"""Which image of an index, or of a layout with several, is meant."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from helpers.images import SAMPLE, config_document

from m2build.errors import ContentError, UsageError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import MemoryBlobs, read_blob
from m2build.oci.manifest import Index, build_manifest
from m2build.oci.media_types import DOCKER, OCI, MediaTypes
from m2build.oci.selecting import Shelf
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import read_image

REF_NAME = "org.opencontainers.image.ref.name"


@dataclass
class Shop:
    """Images and indexes, kept in memory."""

    blobs: dict[Digest, bytes] = field(default_factory=dict)

    def open(self, descriptor: Descriptor) -> BinaryIO:
        return MemoryBlobs(self.blobs).open(descriptor)

    def put(self, data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        self.blobs[Digest.of(data)] = data
        return Descriptor.of(media_type, data).to_json() | more

    def image(self, platform: str, said: str | None = None, *, types: MediaTypes = OCI, **more: Any) -> dict[str, Any]:
        """An image whose config has one platform, and whose entry says another, or none."""
        members = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
        document = config_document(SAMPLE) | dict.fromkeys(("os", "architecture"), "") | members | more
        config = Descriptor.parse(self.put(json.dumps(document).encode(), types.config))
        raw = build_manifest(types, config, [Descriptor.of(types.layer, layer) for layer in SAMPLE], {}).raw
        return self.put(raw, types.manifest, **({"platform": platform_of(said)} if said else {}))

    def index(self, *entries: dict[str, Any]) -> dict[str, Any]:
        document = {"schemaVersion": 2, "mediaType": OCI.index, "manifests": list(entries)}
        return self.put(json.dumps(document).encode(), OCI.index)

    def chosen(self, platform: str, *entries: dict[str, Any]) -> Digest:
        shelf = Shelf(lambda entry: read_blob(self, entry), self)
        return shelf.choose(Index(tuple(map(Descriptor.parse, entries))), platform).digest

    def layout(self, folder: Path, *entries: dict[str, Any]) -> Path:
        for digest, data in self.blobs.items():
            path = folder / "blobs/sha256" / digest.hex
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
        return folder


def platform_of(text: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize("types", [OCI, DOCKER], ids=["oci", "docker"])
def test_the_entry_for_the_platform_is_chosen_and_attestations_are_not(types: MediaTypes, shop: Shop) -> None:
    platforms = ["unknown/unknown", "linux/arm64/v8", "linux/amd64", "windows/amd64"]
    entries = [shop.image(name, name, types=types) for name in platforms]
    assert str(shop.chosen("linux/amd64", *entries)) == entries[2]["digest"]
    assert str(shop.chosen("linux/arm64", *entries)) == entries[1]["digest"]
    with pytest.raises(UsageError, match=r"linux/s390x; it has linux/amd64, linux/arm64/v8, windows/amd64$"):
        shop.chosen("linux/s390x", *entries)
    with pytest.raises(UsageError, match="none for any platform"):
        shop.chosen("linux/amd64", entries[0])


def test_of_variants_the_plain_entry_comes_first(shop: Shop) -> None:
    entries = [shop.image("linux/amd64", said, author=said) for said in ("linux/amd64/v3", "linux/amd64")]
    assert str(shop.chosen("linux/amd64", *entries)) == entries[1]["digest"]
    assert str(shop.chosen("linux/amd64/v1", *entries)) == entries[1]["digest"]
    assert str(shop.chosen("linux/amd64/v4", *entries)) == entries[0]["digest"]


def test_where_the_index_says_nothing_the_configs_do(shop: Shop) -> None:
    """The image specification makes the platform of an entry optional; docker looks into the configs."""
    helm = {"schemaVersion": 2, "mediaType": OCI.manifest, "layers": [],
            "config": shop.put(b"{}", "application/vnd.cncf.helm.config.v1+json")}  # fmt: skip
    chart = shop.put(json.dumps(helm).encode(), OCI.manifest)
    entries = [chart, shop.image("linux/arm64"), shop.index(shop.image("linux/s390x")), shop.image("linux/amd64")]
    assert str(shop.chosen("linux/amd64", *entries)) == entries[3]["digest"]
    assert str(shop.chosen("linux/arm64/v8", *entries)) == entries[1]["digest"]
    assert str(shop.chosen("linux/s390x", *entries)) == shop.image("linux/s390x")["digest"]
    with pytest.raises(UsageError, match=r"no image for linux/riscv64; it has linux/amd64, linux/arm64$"):
        shop.chosen("linux/riscv64", *entries)


def test_a_single_entry_that_says_nothing_at_all_serves_any(shop: Shop) -> None:
    entry = shop.image("")
    assert str(shop.chosen("linux/amd64", entry)) == entry["digest"]


@pytest.mark.parametrize("said", ["linux", "/amd64"])
def test_a_config_that_names_half_a_platform_fits(said: str, shop: Shop) -> None:
    """Docker and podman take what it does not name from their machine."""
    entries = [shop.image("linux/arm64"), shop.image(said)]
    assert str(shop.chosen("linux/amd64", *entries)) == entries[1]["digest"]


@pytest.mark.parametrize(
    "artifact",
    [{"artifactType": "text/spdx"}, {"mediaType": "application/vnd.oci.artifact.manifest.v1+json"}],
)
def test_an_artifact_beside_an_image_need_not_be_at_hand(artifact: dict[str, Any], shop: Shop) -> None:
    image, absent = shop.image("linux/amd64"), Descriptor.of(OCI.manifest, b"absent").to_json() | artifact
    assert str(shop.chosen("linux/amd64", absent, image)) == image["digest"]


def test_two_entries_that_do_not_differ_are_refused(shop: Shop) -> None:
    entries = [shop.image("linux/amd64", author=author) for author in ("one", "other")]
    with pytest.raises(UsageError, match="several images for linux/amd64"):
        shop.chosen("linux/amd64", *entries)
    assert str(shop.chosen("linux/amd64", entries[0], entries[0])) == entries[0]["digest"]


def test_indexes_in_indexes_have_a_bound(shop: Shop) -> None:
    entry = shop.image("linux/amd64", "linux/amd64")
    for _ in range(20):
        entry = shop.index(entry) | {"platform": platform_of("linux/amd64")}
    with pytest.raises(ContentError, match="more than 8 deep"):
        shop.chosen("linux/amd64", entry)
    many = [shop.image("linux/arm64", author=str(number)) for number in range(65)]
    with pytest.raises(ContentError, match="more than 64 entries"):
        shop.chosen("linux/amd64", *many)


@pytest.mark.parametrize("tag", ["v1", None])
@pytest.mark.parametrize("is_said", [True, False])
def test_a_flat_layout_is_one_image_for_several_platforms(
    is_said: bool,  # noqa: FBT001
    tag: str | None,
    shop: Shop,
    tmp_path: Path,
) -> None:
    entries = [
        shop.image(name, name if is_said else None) | {"annotations": {REF_NAME: "v1"}}
        for name in ("linux/arm64", "linux/amd64")
    ]
    place = Place(PlaceKind.OCI, str(shop.layout(tmp_path, *entries)), tag)
    for entry, platform in zip(entries, ("linux/arm64", "linux/amd64"), strict=True):
        assert str(read_image(place, platform).image.manifest.digest) == entry["digest"]


def test_a_layout_with_two_images_of_one_tag_is_refused(shop: Shop, tmp_path: Path) -> None:
    annotations = {"annotations": {REF_NAME: "v1"}}
    entries = [shop.image("linux/amd64", "linux/amd64", author=author) | annotations for author in ("one", "other")]
    with pytest.raises(UsageError, match="holds 2 images v1"):
        read_image(Place(PlaceKind.OCI, str(shop.layout(tmp_path, *entries)), "v1"), "linux/amd64")
