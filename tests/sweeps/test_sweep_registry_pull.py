"""Pulls through seeded faults: exactly the bytes in the registry, or an error message with the reason."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.images import file, image, tar
from helpers.registry.registries import call, noise, reference, upload_blob
from helpers.support import need_tool
from helpers.sweeps.registry_cases import Bench, bench, header, tried

from m2build.layers.filesystem import read_filesystem
from m2build.layers.members import Wanted
from m2build.oci.image import Image, open_blob
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import write_image
from m2build.progress import Silent
from m2build.registry.access import Access
from m2build.registry.pull import read_remote

pytestmark = pytest.mark.sweep

CASES, CHUNK = 400, 20
LAYERS = (tar(noise(300_000), file("a/small", b"small")), tar(file("a/upper", b"upper")))
SAMPLES = {how: image(*LAYERS, how=how) for how in ("gzip", "zstd", "plain")}
REQUESTS = (
    ("GET", "/v2/$"), ("GET", "manifests"), ("GET", "manifests"), ("GET", "blobs"), ("GET", "blobs"),
    *(("GET", str(layer.digest)) for sample in SAMPLES.values() for layer in sample.manifest.layers[:1]), (".*", ""),
)  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("bench")) as registry:
        for how, sample in SAMPLES.items():
            for blob in (*sample.manifest.layers, sample.manifest.config):
                with open_blob(sample.everything, blob) as reader:
                    data = reader.read()
                upload_blob(registry.proxy.host, "app", blob.digest, data, header(registry))
                upload_blob(registry.elsewhere.host, "app", blob.digest, data)
            headers = header(registry) | {"Content-Type": sample.manifest.types.manifest}
            for host in (registry.proxy.host, registry.elsewhere.host):
                assert call("PUT", f"http://{host}/v2/app/manifests/{how}", sample.manifest.raw, headers)[0] == 201
        yield registry


@pytest.mark.parametrize("start", range(0, CASES, CHUNK))
def test_what_is_read_is_what_is_there(start: int, registry: Bench, tmp_path: Path) -> None:
    for seed in range(start, start + CHUNK):
        how = ("gzip", "zstd", "plain")[seed % 3]
        sample, archive = SAMPLES[how], tmp_path / f"{seed}.tar"
        name = f"app@{sample.manifest.digest}" if seed % 5 == 0 else f"app:{how}"

        def pull(
            user: Access, name: str = name, seed: int = seed, archive: Path = archive, sample: Image = sample
        ) -> None:
            found = read_remote(reference(registry.proxy.host, name), "linux/amd64", user).image
            if seed % 4 == 0:
                place = Place(PlaceKind.DOCKER_ARCHIVE, str(archive), "app:v1")
                write_image(found, place, tag="v1", reference="app:v1", replace=False, progress=Silent())
                return
            assert found.manifest.raw == sample.manifest.raw
            assert found.config.raw == sample.config.raw
            members = read_filesystem(found, Wanted(frozenset({"a", "noise"})), Silent())
            assert (members["a/small"].content, members["a/upper"].content) == (b"small", b"upper")
            assert members["noise"].content == noise(300_000)[1]

        error = tried(seed, registry, REQUESTS, pull)
        if archive.exists():
            assert error is None
            command = [need_tool("crane"), "validate", "--tarball", str(archive)]
            assert subprocess.run(command, capture_output=True, check=False).returncode == 0, f"seed {seed}"
            archive.unlink()
        else:
            assert error is not None or seed % 4, f"seed {seed}"
