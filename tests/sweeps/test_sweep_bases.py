"""Hostile and strange images and archives as bases: documented exit code, one sentence, bounded cost, one answer.

The derived images are checked with other tools: `crane validate`, `skopeo copy`, and the files that umoci unpacks.
"""

from __future__ import annotations

import random
import stat
import subprocess
from pathlib import Path

import pytest
from helpers.bases import ROOT, sources
from helpers.forked import Measured
from helpers.images import compressed, file, tar
from helpers.support import need_tool
from helpers.sweeps.hostile_images import (
    LAYER_TYPES,
    Sample,
    bomb,
    broken_tar,
    damaged_archive,
    document,
    odd_config,
    saved,
    special,
    upper,
    write_layout,
)

from m2build.layers.filesystem import read_filesystem
from m2build.layers.members import Wanted
from m2build.oci.media_types import OCI
from m2build.oci.tar import Kind
from m2build.places.place import Place
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent

pytestmark = pytest.mark.sweep

CASES = 360
_CHUNK = 20
_CODES = {0, 2, 4, 5, 16}
"""Done; no such image; no sources to patch; not what it should be; a file that cannot be read."""


def sample_at(seed: int, folder: Path) -> str:
    """Write the case of a seed, and return its place."""
    rng = random.Random(seed)  # noqa: S311 - it is to be repeatable
    layers = [tar(*sources()), upper(rng)]
    sample = Sample(rng, layers)
    way = seed % 9
    if way == 0:
        sample.blobs = [compressed(layer, "gzip") for layer in layers]
        sample.said = [OCI.layer_gzip] * 2
    elif way == 1:
        sample.said = [rng.choice(LAYER_TYPES) for _ in layers]
    elif way == 2:
        layers[1] = broken_tar(rng)
    elif way == 3:
        blob = bomb(rng)
        sample.layers, sample.blobs = [layers[0], b"?"], [compressed(layers[0], "gzip"), blob]
        sample.said = [OCI.layer_gzip] * 2
    elif way == 4:
        sample.raw = {rng.choice(["config", "manifest", "index", "layout"]): lambda _: document(rng)}
    elif way == 5:
        sample.config = odd_config(rng)
    if way == 7:
        (folder / "base.tar").write_bytes(damaged_archive(saved(sample), rng))
        return f"docker-archive:{folder}/base.tar"
    if way == 8:
        members = [file(name, data) for name, data in sample.files().items()]
        (folder / "base.tar").write_bytes(damaged_archive(members, rng))
        return f"oci-archive:{folder}/base.tar"
    write_layout(sample.files(), folder / "base")
    if way == 6:
        special(folder / "base", rng)
    return f"oci:{folder}/base:v1"


@pytest.fixture
def cli(tmp_path: Path) -> Measured:
    return Measured(tmp_path)


@pytest.mark.parametrize("chunk", range(CASES // _CHUNK))
def test_strange_bases(chunk: int, cli: Measured, tmp_path: Path) -> None:
    for seed in range(chunk * _CHUNK, (chunk + 1) * _CHUNK):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            check(seed, cli, folder)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def check(seed: int, cli: Measured, folder: Path) -> None:
    place = sample_at(seed, folder)
    build = ("image", "--tp", "8", "--base", place)
    cold = cli.run(*build, "-o", f"oci:{folder}/out:v1", cache=f"cache{seed}")
    cold.check_cost()
    assert cold.code in _CODES, (cold.code, cold.stderr)
    warm = cli.run(*build, "-o", f"oci:{folder}/warm:v1", cache=f"cache{seed}")
    assert warm.code == cold.code, (cold.stderr, warm.stderr)
    assert warm.stdout.rpartition("@")[2] == cold.stdout.rpartition("@")[2]
    if cold.code:
        assert warm.stderr == cold.stderr
        assert cold.stdout == ""
        assert 1 <= len(cold.stderr.splitlines()) <= 2, cold.stderr
        assert not (folder / "out").exists()
        return
    assert "Infinity" not in cli.run("inspect", "--json", f"oci:{folder}/out:v1").stdout
    inspected = cli.run("inspect", f"oci:{folder}/out:v1")
    assert inspected.code == 0, inspected.stderr
    archive = f"{folder}/out.tar"
    assert cli.run(*build, "-o", f"docker-archive:{archive}", cache=f"cache{seed}").code == 0
    check_with_crane(archive, place, folder)
    # skopeo 1.9 takes no manifest of Docker's type from a layout, and what derives from Docker's archives has one.
    result = f"docker-archive:{archive}" if place.startswith("docker-archive:") else f"oci:{folder}/out:v1"
    judged("skopeo", "copy", result, f"dir:{folder}/dir")
    if seed % 9 == 0:
        check_files(folder)


def check_with_crane(archive: str, base: str, folder: Path) -> None:
    """Check that crane finds nothing wrong, except for what it finds in the base, whose layers stay unchanged."""
    complaint = refusal("crane", "validate", "--tarball", archive)
    if complaint:
        copy = f"{folder}/base-copy.tar"
        found = read_image(Place.parse(base), "linux/amd64").image
        place = Place.parse(f"docker-archive:{copy}:base:v1")
        write_image(found, place, tag="", reference="", replace=False, progress=Silent())
        assert complaint == refusal("crane", "validate", "--tarball", copy)


def judged(*command: str) -> None:
    complaint = refusal(*command)
    assert not complaint, f"{command}: {complaint}"


def refusal(*command: str) -> str:
    """The last line that a program prints if it fails; nothing if it succeeds."""
    done = subprocess.run([need_tool(command[0]), *command[1:]], capture_output=True, text=True, check=False)
    return (done.stderr or "failed").splitlines()[-1] if done.returncode else ""


def check_files(folder: Path) -> None:
    """Check that the sources are those that umoci unpacks, file for file."""
    judged("umoci", "unpack", "--image", f"{folder}/out:v1", f"{folder}/bundle")
    image = read_image(Place.parse(f"oci:{folder}/out:v1"), "linux/amd64").image
    ours = read_filesystem(image, Wanted(frozenset({ROOT})), Silent())
    root = folder / "bundle" / "rootfs"
    # What AUFS kept for itself docker leaves out, and umoci unpacks.
    paths = [path for path in (root / ROOT, *(root / ROOT).rglob("*")) if "/.wh..wh." not in str(path)]
    assert {str(path.relative_to(root)) for path in paths} == {path for path in ours if path.startswith(ROOT)}
    for path in paths:
        member, status = ours[str(path.relative_to(root))], path.lstat()
        if member.kind is Kind.FILE:
            assert path.read_bytes() == member.content, path
        if member.kind is Kind.SYMLINK:
            assert str(path.readlink()) == member.target, path
        else:
            assert stat.S_IMODE(status.st_mode) == member.mode, path
        assert (status.st_uid, status.st_gid) == (member.uid, member.gid), path
