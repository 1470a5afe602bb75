"""Bases that were prepared for lazy pulling: Nydus images are refused, and SOCI's pointers are dropped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.images import config_document
from helpers.plans import derive

from m2build.base.model import Base
from m2build.base.open import open_base
from m2build.derivation.image import build
from m2build.errors import UsageError
from m2build.layers.root import Root
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Image, MemoryBlobs
from m2build.oci.manifest import Index, build_manifest
from m2build.oci.media_types import OCI
from m2build.oci.selecting import Shelf
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent
from m2build.recipes.load import load_recipe

SOCI = "com.amazon.soci.index-digest"
NYDUS_BLOB = "application/vnd.oci.image.layer.nydus.blob.v1"
NYDUS_FEATURE = "nydus.remoteimage.v1"


def with_last_layer(base: Image, layer: Descriptor) -> Image:
    manifest = build_manifest(OCI, base.manifest.config, [*base.manifest.layers[:-1], layer], {})
    return Image(manifest, base.config, base.blobs)


@pytest.mark.parametrize(
    "changes",
    [
        {"media_type": NYDUS_BLOB},
        {"more": {"annotations": {"containerd.io/snapshot/nydus-bootstrap": "true"}}},
        {"more": {"annotations": {"containerd.io/snapshot/nydus-blob": "true"}}},
    ],
    ids=["media type", "bootstrap", "blob"],
)
def test_a_nydus_base_is_refused_in_words(changes: dict[str, object], tmp_path: Path) -> None:
    base = base_image(how="plain")
    nydus = with_last_layer(base, replace(base.manifest.layers[-1], **changes))  # type: ignore[arg-type]
    place = Place.parse(f"oci:{tmp_path}/base:1")
    write_image(nydus, place, tag="1", reference="base:1", replace=False, progress=Silent())
    with pytest.raises(UsageError, match=r"base:1 is a Nydus image: its last layer lists all of its files") as raised:
        open_base(place, roots={"sglang": Root("sgl", "base.source_root")}, platform="linux/amd64")
    assert (raised.value.hint or "").startswith("name the ordinary image that it was converted from")


def test_the_ordinary_image_of_an_index_is_taken_and_not_the_nydus_one_for_the_same_platform() -> None:
    """An index that nydusify merges holds both, told apart by `os.features`."""
    ordinary, nydus = base_image(how="plain"), base_image(how="gzip")
    platform = {"os": "linux", "architecture": "amd64"}
    entries = [
        replace(nydus.manifest.descriptor, more={"platform": {**platform, "os.features": [NYDUS_FEATURE]}}),
        replace(ordinary.manifest.descriptor, more={"platform": platform}),
    ]
    manifests = {image.manifest.digest: image.manifest.raw for image in (ordinary, nydus)}
    shelf = Shelf(lambda entry: manifests[entry.digest], MemoryBlobs({}))
    assert shelf.choose(Index(tuple(entries)), "linux/amd64").digest == ordinary.manifest.digest


def test_the_digest_of_the_bases_soci_index_is_dropped() -> None:
    """It names an index that does not know the overlay: `soci convert` makes one for the derived image."""
    labels = config_document([])["config"]["Labels"] | {SOCI: "sha256:0"}
    base = base_image(config={"Labels": labels}, annotations={SOCI: "sha256:0", "com.example.team": "m2"})
    selection = load_recipe("minimax-m2").select(tp=8)
    result = build(derive(selection, Base.of(base, base.manifest.digest, None), environment={}, progress=Silent()))
    assert SOCI.encode() not in result.config.raw + result.manifest.raw
    assert json.loads(result.config.raw)["config"]["Labels"].items() >= {"a": "b"}.items()
    assert [layer.digest for layer in result.manifest.layers[:-1]] == [layer.digest for layer in base.manifest.layers]


def test_of_two_images_for_one_platform_the_first_is_taken() -> None:
    """As docker with both of its stores, podman and skopeo do."""
    one, other = base_image(how="plain"), base_image(how="gzip")
    platform = {"platform": {"os": "linux", "architecture": "amd64"}}
    entries = tuple(replace(image.manifest.descriptor, more=platform) for image in (one, other))
    stored = {image.manifest.digest: image.manifest.raw for image in (one, other)}
    shelf = Shelf(lambda entry: stored[entry.digest], MemoryBlobs({}))
    assert shelf.choose(Index(entries), "linux/amd64").digest == one.manifest.digest
