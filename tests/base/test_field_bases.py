"""Bases as they are in the field, by command: one answer from a cold and a warm cache, which others' tools accept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.bases import ROOT, sources
from helpers.forked import Measured
from helpers.images import compressed, file, folder, hardlink, image, symlink, tar
from helpers.registry.registries import docker_registry, run
from helpers.support import sampled

from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image, MemoryBlobs
from m2build.oci.manifest import build_manifest
from m2build.oci.media_types import DOCKER, OCI, MediaTypes
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture
def cli(tmp_path: Path) -> Measured:
    return Measured(tmp_path)


LAYER = tar(*sources())
UPPER: dict[str, bytes] = {
    "leading slashes": tar(folder("/usr"), file(f"/{ROOT}/.wh.absent"),
                           hardlink(f"{ROOT}/h", f"/{ROOT}/sglang/_version.py")),
    "a hard link to a link": tar(symlink(f"{ROOT}/l", "sglang"), hardlink(f"{ROOT}/m", f"{ROOT}/l")),
    "no bytes": b"",
    "an ordinary one": tar(file("etc/a", b"1")),
}  # fmt: skip
CONFIGS: dict[str, dict[str, Any]] = {
    "history absent": {}, "history empty": {"history": []}, "history too long": {"history": [{}] * 5},
    "history too short": {"history": [{}]}, "null entries": {"history": [None, None]},
    "no working directory": {"config": {"WorkingDir": "/absent/deep"}}, "no config": {"config": None},
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A base of two layers, with any media types."""

    upper: str = "an ordinary one"
    config: str = "history absent"
    types: MediaTypes = OCI
    how: str = "gzip"
    said: str = OCI.layer_gzip

    def write(self, place: str) -> None:
        """Write it into a layout."""
        layers = (LAYER, UPPER[self.upper])
        document = json.loads(image(*layers).config.raw)
        del document["history"]
        raw = json.dumps(document | CONFIGS[self.config]).encode()
        blobs = [compressed(layer, self.how) for layer in layers]
        config = Descriptor.of(self.types.config, raw)
        manifest = build_manifest(self.types, config, [Descriptor.of(self.said, blob) for blob in blobs], {})
        base = Image(manifest, ImageConfig(raw), MemoryBlobs({Digest.of(blob): blob for blob in blobs}))
        write_image(base, Place.parse(place), tag="", reference="", replace=False, progress=Silent())


CASES = [
    *(Case(upper, how=how) for upper in UPPER for how in ("gzip", "zstd")),
    *(Case(config=config, types=DOCKER, said=DOCKER.layer_gzip) for config in CONFIGS),
    Case(how="plain"), Case(said=OCI.layer), Case(said="x/y"),
]  # fmt: skip


@pytest.mark.parametrize(
    "case", sampled(CASES, every=7), ids=lambda case: f"{case.upper}, {case.config}, {case.how}, {case.said}"
)
def test_every_tool_reads_an_image_derived_from_it(case: Case, cli: Measured, registry: str, tmp_path: Path) -> None:
    case.write(f"oci:{tmp_path}/base:v1")
    runs = [
        cli.run("image", "--tp", "8", "--base", f"oci:{tmp_path}/base:v1", "-o", f"oci:{tmp_path}/{name}:v1")
        for name in ("cold", "warm")
    ]
    assert [answer.code for answer in runs] == [0, 0], runs
    assert len({answer.stdout.rpartition("@")[2] for answer in runs}) == 1
    assert cli.run("inspect", f"oci:{tmp_path}/cold:v1").code == 0
    name = f"{registry}/field:case-{CASES.index(case)}"
    pushed = cli.run("push", f"oci:{tmp_path}/cold:v1", name)
    assert pushed.code == 0, pushed
    if case.how == "gzip":
        run("crane", "validate", f"--remote={name}")
    else:  # of layers crane validates those in gzip only
        run("skopeo", "copy", "--src-tls-verify=false", f"docker://{name}", f"dir:{tmp_path}/copy")
    document = json.loads(run("crane", "config", name))
    filled = [entry for entry in document["history"] if not entry.get("empty_layer")]
    assert len(filled) == len(document["rootfs"]["diff_ids"]) == 3
