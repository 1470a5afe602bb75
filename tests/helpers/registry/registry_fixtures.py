"""Fixtures: registries with bases, and a proxy that records its requests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from helpers.bases import ROOT, base_image, sources
from helpers.images import entry, file, hardlink, image, tar
from helpers.registry.faultproxy import Proxy, fault_proxy
from helpers.registry.registries import docker_registry, noise, run, upload
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent

_PADDED = tar(
    *sources(uid=1000), noise(6 << 20), hardlink("w/again", f"{ROOT}/sglang/_version.py"),
    file("w/zeros", bytes(100_000) + b"end"), file("w/x", b"1", pax_headers={"SCHILY.xattr.user.a": "b"}),
    file("w/ä", b"2"), file("w/.wh.gone"), file("w/d/.wh..wh..opq"), entry("w/pipe", b"6"),
)  # fmt: skip
_MEMBERS = _PADDED.rstrip(b"\0")
_LAYER = _MEMBERS + bytes(-len(_MEMBERS) % 512 + 1024)
"""Without padding: skopeo 1.9 leaves it out of its layers, and not of the diff_id."""


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that holds `base_image()` as team/sglang:rocm."""
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        upload(host, "team/sglang", base_image(), "rocm")
        yield host


@pytest.fixture
def proxy(stocked: str) -> Iterator[Proxy]:
    """A proxy in front of that registry, which records requests."""
    with fault_proxy(stocked) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def tabled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry with a base of one layer, as skopeo stores it by zstd:chunked (team/app:chunked) and crane as eStargz
    (team/app:stargz)."""
    folder = tmp_path_factory.mktemp("tables")
    plain = Place.parse(f"oci:{folder}/plain:v1")
    write_image(image(_LAYER, how="plain"), plain, tag="", reference="", replace=False, progress=Silent())
    (folder / "layer.tar").write_bytes(_LAYER)
    with docker_registry(folder) as host:
        skopeo = ["skopeo", "copy", "--insecure-policy", "--dest-tls-verify=false"]
        run(*skopeo, "--dest-compress-format", "zstd:chunked", str(plain), f"docker://{host}/team/app:chunked")
        stargz, environment = f"{host}/team/app:stargz", {**os.environ, "GGCR_EXPERIMENT_ESTARGZ": "1"}
        append = ["crane", "append", "--oci-empty-base", "--new_layer", f"{folder}/layer.tar", "-t", stargz]
        run(*append, environment=environment)
        run("crane", "mutate", stargz, "--set-platform", "linux/amd64", "-t", stargz)
        yield host
